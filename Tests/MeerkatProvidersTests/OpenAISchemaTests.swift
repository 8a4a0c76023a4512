import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct OpenAISchemas {
    private func lowered(_ text: String, isStrict: Bool = true) throws -> OpenAISchema {
        let schema = try #require(try JSONValue(json: Array(text.utf8)).object)
        return OpenAISchema(OutputSchema(schema: schema, isStrict: isStrict))
    }

    @Test(
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"]}"#,
                #"{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false}"#,
                []
            ),
            // A property may be called like a keyword, and data may look like a schema.
            (
                #"{"$schema":"s","type":"object","properties":{"minLength":{"type":"string","minLength":3},"allOf":{"const":{"allOf":[1],"not":2}}},"required":["minLength","allOf"]}"#,
                #"{"type":"object","properties":{"minLength":{"type":"string"},"allOf":{"const":{"allOf":[1],"not":2}}},"required":["minLength","allOf"],"additionalProperties":false}"#,
                ["/properties/minLength/minLength"]
            ),
            (
                #"{"type":"object","properties":{"a":{"type":"array","uniqueItems":true,"items":{"oneOf":[{"type":"string","format":"uri"},{"type":"string","format":"date"}],"default":1}}},"required":["a"],"additionalProperties":true}"#,
                #"{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"string","format":"date"}]}}},"required":["a"],"additionalProperties":false}"#,
                [
                    "/additionalProperties", "/properties/a/uniqueItems", "/properties/a/items/oneOf",
                    "/properties/a/items/default", "/properties/a/items/anyOf/0/format",
                ]
            ),
        ] as [(String, String, [String])])
    func whatStrictModeRefusesIsLeftOutWithAWarning(given: String, sent: String, warnings: [String]) throws {
        let schema = try lowered(given)
        #expect(schema.isStrict)
        #expect(schema.warnings.map(\.path) == warnings)
        #expect(schema.warnings.allSatisfy { $0.provider == "openai" })
        #expect(try JSONValue.object(schema.schema) == JSONValue(json: Array(sent.utf8)))
    }

    @Test(
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}"#,
                "/required"
            ),
            (#"{"type":"object","properties":{},"required":[]}"#, "/additionalProperties"),
            (
                #"{"type":"object","properties":{"a/b":{"type":"object","properties":{},"required":[],"additionalProperties":{"type":"string"}}},"required":["a/b"]}"#,
                "/properties/a~1b/additionalProperties"
            ),
            (#"{"type":"object","properties":{"a":{}},"required":["a"]}"#, "/properties/a/type"),
            (
                #"{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"}]}},"required":["a"]}"#,
                "/properties/a/prefixItems"
            ),
            (#"{"type":"array","items":{"type":"string"}}"#, "/type"),
        ])
    func whatWouldAskForSomethingElseIsNotStrict(given: String, warning: String) throws {
        let schema = try lowered(given)
        #expect(!schema.isStrict)
        #expect(schema.warnings.map(\.path) == [warning])
        #expect(try JSONValue.object(schema.schema) == JSONValue(json: Array(given.utf8)))
    }

    @Test func withoutStrictModeAllIsSentAsItIs() throws {
        let text = #"{"allOf":[{"minLength":1}],"default":"x"}"#
        let schema = try lowered(text, isStrict: false)
        #expect(!schema.isStrict)
        #expect(schema.warnings.isEmpty)
        #expect(try JSONValue.object(schema.schema) == JSONValue(json: Array(text.utf8)))
    }
}
