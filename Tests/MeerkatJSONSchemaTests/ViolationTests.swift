import MeerkatJSON
import MeerkatJSONSchema
import Testing

@Suite struct ViolationTests {
    @Test(arguments: [
        (#"{"type":"string"}"#, "5", " | /type | expected a string, found 5"),
        (#"{"type":["integer","null"]}"#, "[1]", " | /type | expected an integer or null, found an array of 1 item"),
        (#"{"const":{"a":1}}"#, "{}", #" | /const | expected {"a":1}, found an empty object"#),
        (#"{"enum":["a","b"]}"#, #""c""#, #" | /enum | expected one of "a", "b", found "c""#),
        (#"{"minimum":2}"#, "1.5", " | /minimum | expected at least 2, found 1.5"),
        (#"{"exclusiveMaximum":2}"#, "2", " | /exclusiveMaximum | expected less than 2, found 2"),
        (#"{"multipleOf":0.1}"#, "0.25", " | /multipleOf | expected a multiple of 0.1, found 0.25"),
        (#"{"minLength":1}"#, #""""#, " | /minLength | expected at least 1 character, found 0"),
        (#"{"pattern":"^a"}"#, #""b""#, #" | /pattern | expected text that matches "^a", found "b""#),
        (#"{"required":["a"]}"#, "{}", #" | /required | missing required property "a""#),
        (
            #"{"properties":{"a":true,"b":true},"additionalProperties":false}"#, #"{"c":1}"#,
            #" | /additionalProperties | unexpected property "c"; known are "a", "b""#
        ),
        (#"{"properties":{"a":false}}"#, #"{"a":1}"#, #" | /properties/a | unexpected property "a""#),
        (
            #"{"propertyNames":{"maxLength":1}}"#, #"{"ab":1}"#,
            " | /propertyNames/maxLength | invalid property name: expected at most 1 character, found 2"
        ),
        (
            #"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#,
            #" | /dependentRequired | missing property "b", which "a" requires"#
        ),
        (#"{"prefixItems":[true],"items":false}"#, "[1,2]", " | /items | expected at most 1 item, found 2"),
        (
            #"{"contains":{"const":1}}"#, "[2]",
            " | /contains | expected at least 1 item that matches `contains`, found 0"
        ),
        (
            #"{"uniqueItems":true}"#, "[1,2,1]",
            " | /uniqueItems | expected items that differ, but items 0 and 2 are equal"
        ),
        (#"{"not":{"type":"null"}}"#, "null", " | /not | null is what `not` excludes"),
        ("false", "1", " |  | no value is allowed here"),
    ])
    func messagesSayWhatWasExpectedAndFound(_ schema: String, _ instance: String, _ line: String) throws {
        #expect(try lines(schema, instance) == [line])
    }

    @Test func pathsLeadToTheFaultyPart() throws {
        let schema =
            ##"{"properties":{"a/b":{"items":{"$ref":"#/$defs/x~y"}}},"$defs":{"x~y":{"properties":{"":{"type":"null"}}}}}"##
        #expect(
            try lines(schema, #"{"a/b":[{},{"":1}]}"#) == [
                "/a~1b/1/ | /$defs/x~0y/properties//type | expected null, found 1"
            ])
    }

    @Test func everyViolationIsTold() throws {
        let schema = #"{"properties":{"a":{"type":"string"},"b":{"minimum":3,"multipleOf":2}},"required":["c","d"]}"#
        #expect(
            try lines(schema, #"{"a":1,"b":1}"#) == [
                "/a | /properties/a/type | expected a string, found 1",
                "/b | /properties/b/minimum | expected at least 3, found 1",
                "/b | /properties/b/multipleOf | expected a multiple of 2, found 1",
                #" | /required | missing required property "c""#,
                #" | /required | missing required property "d""#,
            ])
    }

    @Test func noMoreThanThirtyTwoAreTold() throws {
        let instance = JSONValue.array(Array(repeating: 1, count: 100))
        let schema = try JSONSchema(["items": ["type": "string"]])
        #expect(try schema.violations(in: instance).count == JSONSchema.maxViolations)
    }

    @Test func aUnionOfTypesIsToldInOneLine() throws {
        let schema = ##"{"anyOf":[{"type":"string"},{"$ref":"#/$defs/n"}],"$defs":{"n":{"type":["integer","null"]}}}"##
        #expect(try lines(schema, "true") == [" | /anyOf | expected a string, an integer or null, found true"])
    }

    @Test func theOnlyPlausibleAlternativeSpeaksForItself() throws {
        let schema =
            #"{"oneOf":[{"type":"null"},{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}]}"#
        #expect(
            try lines(schema, #"{"a":1}"#) == [
                "/a | /oneOf/1/properties/a/type | expected a string, found 1",
                #" | /oneOf/1/required | missing required property "b""#,
            ])
    }

    @Test func theClosestAlternativeIsQuoted() throws {
        let schema = #"""
            {"anyOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},
            {"properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind","y"]}]}
            """#
        #expect(
            try lines(schema, #"{"kind":"b","y":5}"#) == [
                #" | /anyOf | matches none of 2 alternatives; closest is alternative 2: at "/y": expected a string, found 5"#
            ])
    }

    @Test func twoMatchesOfOneOfAreNamed() throws {
        #expect(
            try lines(#"{"oneOf":[{"type":"integer"},{"type":"null"},{"minimum":3}]}"#, "5") == [
                " | /oneOf | matches alternatives 1 and 3, but must match exactly one"
            ])
    }

    @Test func foreignTextIsCut() throws {
        let long = String(repeating: "é", count: 10_000)
        let line = try #require(try lines(#"{"type":"null"}"#, "\"\(long)\"").first)
        #expect(line == " | /type | expected null, found \"" + String(repeating: "é", count: 99) + "…\"")
        let object = try #require(try lines(#"{"const":["\#(long)"]}"#, "{\"\(long)\":1}").first)
        #expect(object.utf8.count < 300)
    }

    @Test func foreignTextStaysInOneLine() throws {
        #expect(try lines(#"{"type":"null"}"#, #""a\n\"b""#) == [#" | /type | expected null, found "a\n\"b""#])
    }
}
