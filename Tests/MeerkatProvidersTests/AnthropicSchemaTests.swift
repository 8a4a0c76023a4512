import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct AnthropicSchemas {
    @Test(
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"type":"string"}}}"#,
                #"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#, []
            ),
            // A property may be called like a keyword, and data may look like a schema.
            (
                #"{"properties":{"minLength":{"minLength":3},"not":{"type":"null"}},"const":{"properties":{"maximum":1}}}"#,
                #"{"properties":{"minLength":{},"not":{"type":"null"}},"const":{"properties":{"maximum":1}},"additionalProperties":false}"#,
                ["/properties/minLength/minLength"]
            ),
            (
                #"{"items":{"anyOf":[{"minimum":1},{"oneOf":[{"type":"null"}]}]},"minItems":2}"#,
                #"{"items":{"anyOf":[{},{"anyOf":[{"type":"null"}]}]}}"#,
                ["/minItems", "/items/anyOf/0/minimum", "/items/anyOf/1/oneOf"]
            ),
            (
                #"{"minItems":1,"$defs":{"a/b":{"properties":{},"additionalProperties":{"type":"string"}}}}"#,
                #"{"minItems":1,"$defs":{"a/b":{"properties":{},"additionalProperties":false}}}"#,
                ["/$defs/a~1b/additionalProperties"]
            ),
        ] as [(String, String, [String])])
    func whatTheApiRefusesIsLeftOutWithAWarning(given: String, sent: String, warnings: [String]) throws {
        let schema = try #require(try JSONValue(json: Array(given.utf8)).object)
        let lowered = AnthropicSchema(schema)
        #expect(lowered.warnings.map(\.path) == warnings)
        #expect(try JSONValue.object(lowered.schema) == JSONValue(json: Array(sent.utf8)))
    }
}
