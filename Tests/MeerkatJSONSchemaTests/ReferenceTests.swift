import MeerkatJSON
import MeerkatJSONSchema
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: [
        Verdict(##"{"properties":{"a":{"$ref":"#"}},"additionalProperties":false}"##, refuses: #"{"a":{"b":1}}"#),
        Verdict(##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"#/$defs/a~0b","$defs":{"a~b":{"type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"#/$defs/a%25b","$defs":{"a%b":{"type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"#/$defs/a%22b","$defs":{"a\"b":{"type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"#/$defs//$defs/","$defs":{"":{"$defs":{"":{"type":"null"}}}}}"##, refuses: "1"),
        Verdict(##"{"prefixItems":[{"type":"null"},{"$ref":"#/prefixItems/0"}]}"##, refuses: "[null,1]"),
        Verdict(
            ##"{"$ref":"#/$defs/c","$defs":{"a":{"type":"null"},"b":{"$ref":"#/$defs/a"},"c":{"$ref":"#/$defs/b"}}}"##,
            refuses: "1"),
        Verdict(##"{"$ref":"#/$defs/a","maxItems":2,"$defs":{"a":{"type":"array"}}}"##, refuses: "[1,2,3]"),
        Verdict(##"{"$ref":"#/$defs/never","$defs":{"never":false}}"##, refuses: "1"),
        Verdict(##"{"properties":{"$ref":{"type":"null"}}}"##, refuses: #"{"$ref":"a"}"#),
        Verdict(
            ##"{"properties":{"$ref":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"null"}}}"##, refuses: #"{"$ref":"a"}"#),
        Verdict(##"{"const":{"$ref":"nowhere"}}"##, accepts: ##"{"$ref":"nowhere"}"##),
        Verdict(##"{"$ref":"#/x-custom/deep/0","x-custom":{"deep":[{"type":"null"}]}}"##, refuses: "1"),
    ])
    func pointersLeadIntoTheSchema(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(##"{"$ref":"#here","$defs":{"a":{"$anchor":"here","type":"null"}}}"##, refuses: "1"),
        Verdict(
            ##"{"$id":"http://h/root","$ref":"http://h/x#here","$defs":{"a":{"$id":"x","$anchor":"here","type":"null"}}}"##,
            refuses: "1"),
        Verdict(
            ##"{"$id":"http://h/d/root","$ref":"one#n","$defs":{"a":{"$id":"one","allOf":[{"$id":"two","$anchor":"n","type":"number"},{"$anchor":"n","type":"string"}]}}}"##,
            refuses: "1"),
        Verdict(
            ##"{"$id":"http://h/a.json","$defs":{"x":{"$id":"http://h/b/c.json","not":{"$defs":{"y":{"$id":"d.json","type":"number"}}}}},"allOf":[{"$ref":"http://h/b/d.json"}]}"##,
            refuses: #""a""#),
        Verdict(
            ##"{"$id":"http://h/a/b.json","$ref":"/c/d.json","$defs":{"x":{"$id":"http://h/c/d.json","type":"number"}}}"##,
            refuses: #""a""#),
        Verdict(
            ##"{"$id":"http://h/a/b.json","$ref":"../c/./d.json","$defs":{"x":{"$id":"http://h/c/d.json","type":"number"}}}"##,
            refuses: #""a""#),
        Verdict(
            ##"{"$id":"http://h/r","$ref":"int.json","$defs":{"big":{"$id":"/x/int.json","maximum":10},"small":{"$id":"int.json","maximum":2}}}"##,
            refuses: "5"),
        Verdict(
            ##"{"$id":"urn:uuid:deadbeef-1234-ffff-ffff-4321feebdaed","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"null"}}}"##,
            refuses: #"{"a":1}"#),
        Verdict(
            ##"{"$id":"urn:x:y","properties":{"a":{"$ref":"urn:x:y#b"}},"$defs":{"b":{"$anchor":"b","type":"null"}}}"##,
            refuses: #"{"a":1}"#),
        Verdict(##"{"$id":"file:///f/s.json","$ref":"#/$defs/b","$defs":{"b":{"type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"item.json","$defs":{"b":{"$id":"item.json","type":"null"}}}"##, refuses: "1"),
        Verdict(##"{"$ref":"http://h/if","if":{"$id":"http://h/if","type":"null"}}"##, refuses: "1"),
        Verdict(##"{"$ref":"http://h/then","then":{"$id":"http://h/then","type":"null"}}"##, refuses: "1"),
        Verdict(
            ##"{"anyOf":[{"$ref":"http://h/x"}],"$defs":{"u":{"custom":[{"$id":"http://h/x","type":"null"}]},"r":{"$id":"http://h/x","type":"string"}}}"##,
            accepts: #""a""#),
        Verdict(
            ##"{"enum":[{"$id":"http://h/x"}],"$ref":"http://h/x","$defs":{"r":{"$id":"http://h/x","type":"string"}}}"##,
            refuses: #"{"$id":"http://h/x"}"#),
    ])
    func identifiersAndAnchorsAreFound(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(
            ##"{"$ref":"#/definitions/a","maxItems":2,"definitions":{"a":{"type":"array"}}}"##, accepts: "[1,2,3]",
            draft: .draft7),
        Verdict(##"{"$ref":"#foo","definitions":{"a":{"$id":"#foo","type":"null"}}}"##, refuses: "1", draft: .draft7),
        Verdict(
            ##"{"$id":"http://h/root.json","allOf":[{"$ref":"http://h/n.json#foo"}],"definitions":{"a":{"$id":"n.json","definitions":{"b":{"$id":"#foo","type":"null"}}}}}"##,
            refuses: "1", draft: .draft7),
        Verdict(
            ##"{"$id":"http://h/base/","definitions":{"x":{"$id":"http://h/foo.json","type":"string"},"y":{"$id":"foo.json","type":"number"}},"allOf":[{"$id":"http://h/","$ref":"foo.json"}]}"##,
            refuses: #""a""#, draft: .draft7),
        Verdict(##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}}"##, refuses: "1", draft: .draft7),
        Verdict(
            ##"{"items":[{"type":"null"}],"additionalItems":{"type":"string"}}"##, refuses: "[null,1]", draft: .draft7),
        Verdict(##"{"additionalItems":false}"##, accepts: "[1]", draft: .draft7),
        Verdict(##"{"items":{},"additionalItems":false}"##, accepts: "[1]", draft: .draft7),
        Verdict(##"{"prefixItems":[false],"dependentRequired":{"a":["b"]}}"##, accepts: "[1]", draft: .draft7),
        Verdict(
            ##"{"$schema":"http://json-schema.org/draft-07/schema#","contains":{"const":1},"minContains":2}"##,
            accepts: "[1]"),
    ])
    func draft7HasItsOwnRules(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(
            #"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#,
            accepts: ##"{"$defs":{"a":{"type":"integer","$ref":"#"}}}"##),
        Verdict(#"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#, refuses: #"{"$defs":{"a":{"type":1}}}"#),
        Verdict(#"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#, refuses: #"{"minLength":-1}"#),
        Verdict(#"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#, refuses: ##"{"$id":"#foo"}"##),
        Verdict(
            #"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#,
            refuses: #"{"properties":{"a":{"items":{"allOf":[]}}}}"#),
        Verdict(
            #"{"$ref":"http://json-schema.org/draft-07/schema#"}"#,
            accepts: #"{"definitions":{"a":{"type":"integer"}}}"#, draft: .draft7),
        Verdict(
            #"{"$ref":"http://json-schema.org/draft-07/schema#"}"#, refuses: #"{"definitions":{"a":{"type":1}}}"#,
            draft: .draft7),
        Verdict(#"{"$ref":"http://json-schema.org/draft-07/schema#"}"#, refuses: #"{"minLength":-1}"#),
    ])
    func metaSchemasAreAtHand(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        ##"{"$ref":"#"}"##, ##"{"allOf":[{"$ref":"#"}]}"##, ##"{"not":{"$ref":"#"}}"##,
        ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"$ref":"#/$defs/a"}]}}}"##,
    ])
    func referencesWithoutProgressAreRefused(_ schema: String) throws {
        let value = try json(schema)
        #expect {
            try JSONSchema(value)
        } throws: { error in
            if case JSONSchemaError.endlessReference = error { true } else { false }
        }
    }

    @Test func theSameSchemaMayApplyTwiceToOneValue() throws {
        let schema =
            ##"{"$defs":{"int":{"type":"integer"}},"allOf":[{"properties":{"a":{"$ref":"#/$defs/int"}}},{"additionalProperties":{"$ref":"#/$defs/int"}}]}"##
        try Verdict(schema, accepts: #"{"a":1}"#).check()
        try Verdict(schema, refuses: #"{"a":"1"}"#).check()
    }

    @Test(arguments: [
        ##"{"$ref":"#/$defs/none"}"##, ##"{"$ref":"#none"}"##, #"{"$ref":"http://example.com/none"}"#,
        #"{"$ref":"none.json"}"#,
    ])
    func unknownTargetsAreNamed(_ schema: String) throws {
        let value = try json(schema)
        let reference = try #require(value["$ref"]?.string)
        #expect(throws: JSONSchemaError.unresolvableReference(reference)) { try JSONSchema(value) }
    }

    @Test func furtherDocumentsAreFoundByTheirURI() throws {
        let schema = try JSONSchema(
            ["$ref": "https://example.com/a#/$defs/x"],
            documents: [
                "https://example.com/a": ["$defs": ["x": ["$ref": "b"]]], "https://example.com/b": ["type": "null"],
            ])
        #expect(
            try schema.violations(in: 1) == [
                SchemaViolation(
                    instancePath: "", schemaPath: "https://example.com/b#/type", message: "expected null, found 1")
            ])
    }

    @Test func aMetaSchemaMayLeaveAssertionsOut() throws {
        let metaSchema: JSONValue = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$vocabulary": [
                "https://json-schema.org/draft/2020-12/vocab/core": true,
                "https://json-schema.org/draft/2020-12/vocab/applicator": true,
            ],
        ]
        let schema = try JSONSchema(
            ["$schema": "https://example.com/meta", "properties": ["a": ["minimum": 10], "b": false]],
            documents: ["https://example.com/meta": metaSchema])
        #expect(try schema.violations(in: ["a": 1]).isEmpty)
        #expect(try schema.violations(in: ["b": 1]).count == 1)
    }

    @Test func anEmbeddedResourceMayFollowAnotherDraft() throws {
        let schema =
            ##"{"$ref":"http://h/old","$defs":{"o":{"$id":"http://h/old","$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"null"}]}}}"##
        try Verdict(schema, refuses: "[1]").check()
    }
}
