import MeerkatJSONSchema
import Testing

@Suite struct KeywordTests {
    @Test(arguments: [
        Verdict("true", accepts: "1"),
        Verdict("false", refuses: "null"),
        Verdict("{}", accepts: "{}"),
        Verdict(#"{"allOf":[true,false]}"#, refuses: "1"),
        Verdict(#"{"allOf":[{"minimum":1},{"maximum":3}],"multipleOf":2}"#, accepts: "2"),
        Verdict(#"{"anyOf":[false,{"type":"integer"}]}"#, accepts: "1"),
        Verdict(#"{"anyOf":[false,{"type":"integer"}]}"#, refuses: "1.5"),
        Verdict(#"{"not":{}}"#, refuses: "1"),
        Verdict(#"{"not":{"not":{}}}"#, accepts: "1"),
        Verdict(#"{"type":["integer","null"]}"#, accepts: "null"),
        Verdict(#"{"type":["integer","null"]}"#, refuses: "false"),
        Verdict(#"{"if":{"const":1},"then":false}"#, refuses: "1"),
        Verdict(#"{"then":false,"else":false}"#, accepts: "1"),
        Verdict(
            #"{"format":"ipv4","contentEncoding":"base64","contentMediaType":"application/json"}"#, accepts: #""%""#),
        Verdict(#"{"default":1,"x-unknown":{"type":5},"type":"string"}"#, accepts: #""a""#),
    ])
    func combinationsFollowLogic(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(#"{"maxLength":2}"#, accepts: #""🐲🐲""#),
        Verdict(#"{"minLength":3}"#, refuses: #""🐲🐲""#),
        Verdict(#"{"minLength":2}"#, accepts: "\"e\u{301}\""),
        Verdict(#"{"properties":{"é":false}}"#, accepts: "{\"e\u{301}\":1}"),
        Verdict(#"{"required":["__proto__","constructor"]}"#, refuses: #"{"__proto__":1}"#),
        Verdict(#"{"required":["a","a"]}"#, accepts: #"{"a":1}"#),
        Verdict(#"{"patternProperties":{"^a":{"type":"integer"},"b$":{"minimum":3}}}"#, refuses: #"{"ab":2}"#),
        Verdict(#"{"patternProperties":{"^a":true},"additionalProperties":false}"#, refuses: #"{"ab":2,"c":1}"#),
        Verdict(#"{"dependentRequired":{"a":["b","c"]}}"#, refuses: #"{"a":1,"b":1}"#),
        Verdict(#"{"dependentRequired":{"a":["b","c"]}}"#, accepts: #"{"b":1}"#),
        Verdict(#"{"dependentSchemas":{"a":{"minProperties":2}}}"#, refuses: #"{"a":1}"#),
        Verdict(#"{"dependentSchemas":{"a":false}}"#, accepts: #"{"b":1}"#),
        Verdict(#"{"dependencies":{"a":["b"],"c":false}}"#, refuses: #"{"a":1}"#),
        Verdict(#"{"propertyNames":false}"#, refuses: #"{"a":1}"#),
        Verdict(#"{"prefixItems":[{"type":"integer"}],"items":false}"#, refuses: "[1,2]"),
        Verdict(#"{"minItems":1.0,"maxItems":2}"#, refuses: "[]"),
        Verdict(#"{"contains":{"const":1},"minContains":0}"#, accepts: "[]"),
        Verdict(#"{"contains":{"const":1},"minContains":2,"maxContains":2}"#, refuses: "[1,1,1]"),
        Verdict(#"{"minContains":2}"#, accepts: "[]"),
        Verdict(#"{"uniqueItems":false}"#, accepts: "[1,1]"),
        Verdict(#"{"enum":[]}"#, refuses: "1"),
        Verdict(#"{"enum":[1,2,3,4,5,6,7,8,9,10,"é"]}"#, accepts: "1e1"),
        Verdict(#"{"enum":[1,2,3,4,5,6,7,8,9,10,"é"]}"#, refuses: "\"e\u{301}\""),
    ])
    func assertionsApplyToTheirTypes(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(
            #"{"if":{"properties":{"a":true},"required":["a"]},"unevaluatedProperties":false}"#, accepts: #"{"a":1}"#),
        Verdict(#"{"not":{"not":{"properties":{"a":true}}},"unevaluatedProperties":false}"#, refuses: #"{"a":1}"#),
        Verdict(#"{"allOf":[{"properties":{"a":true}},{"unevaluatedProperties":false}]}"#, refuses: #"{"a":1}"#),
        Verdict(#"{"allOf":[{"unevaluatedProperties":true}],"unevaluatedProperties":false}"#, accepts: #"{"a":1}"#),
        Verdict(
            #"{"dependentSchemas":{"a":{"properties":{"a":true,"b":true}}},"unevaluatedProperties":false}"#,
            accepts: #"{"a":1,"b":1}"#),
        Verdict(
            #"{"oneOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":true},"required":["b"]}],"unevaluatedProperties":false}"#,
            refuses: #"{"a":2,"b":1}"#),
        Verdict(
            #"{"anyOf":[{"properties":{"a":true}},{"properties":{"b":true}}],"unevaluatedProperties":false}"#,
            accepts: #"{"a":2,"b":1}"#),
        Verdict(#"{"contains":{"const":1},"unevaluatedItems":{"type":"string"}}"#, accepts: #"[1,"a",1]"#),
        Verdict(#"{"contains":{"const":1},"unevaluatedItems":{"type":"string"}}"#, refuses: #"[1,2]"#),
        Verdict(
            #"{"prefixItems":[true],"allOf":[{"prefixItems":[true,true]}],"unevaluatedItems":false}"#,
            refuses: "[1,2,3]"),
        Verdict(
            #"{"properties":{"p":{"unevaluatedProperties":false}},"unevaluatedProperties":false}"#,
            refuses: #"{"p":{"q":1}}"#),
    ])
    func unevaluatedPartsAreThoseNobodyLookedAt(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test func positionsBeyondTheFirstWordsAreRemembered() throws {
        let members = (0..<200).map { #""p\#($0)":1"# }.joined(separator: ",")
        let schema = #"{"anyOf":[{"patternProperties":{"^p":true}}],"unevaluatedProperties":false}"#
        try Verdict(schema, accepts: "{\(members)}").check()
        #expect(
            try lines(schema, "{\(members),\"q\":1}") == [
                #" | /unevaluatedProperties | unexpected property "q""#
            ])
    }
}
