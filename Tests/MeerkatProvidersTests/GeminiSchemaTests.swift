import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct GeminiSchemas {
    static let schemas: [(given: String, sent: String?, warnings: [String])] = [
        (
            ##"{"type":["object","null"],"properties":{"a":{"$ref":"#/$defs/a"}},"required":["a"],"additionalProperties":false,"$defs":{"a":{"anyOf":[{"type":"string"},{"type":"integer","minimum":1}]}}}"##,
            nil, []
        ),
        // A property may be called like a keyword, and data may look like a schema.
        (
            #"{"properties":{"minLength":{"minLength":3},"const":{"pattern":"a"},"definitions":{"default":1}},"default":{"pattern":"b"}}"#,
            #"{"properties":{"minLength":{},"const":{},"definitions":{}}}"#,
            ["/properties/minLength/minLength", "/properties/const/pattern"]
        ),
        (
            #"{"items":{"oneOf":[{"exclusiveMinimum":1},{"not":{}}]},"uniqueItems":true}"#,
            #"{"items":{"oneOf":[{},{}]}}"#,
            ["/uniqueItems", "/items/oneOf", "/items/oneOf/0/exclusiveMinimum", "/items/oneOf/1/not"]
        ),
        (#"{"items":[{"type":"string"}],"minItems":1}"#, #"{"prefixItems":[{"type":"string"}],"minItems":1}"#, []),
        (#"{"const":"a"}"#, #"{"enum":["a"]}"#, []), (#"{"const":null}"#, "{}", ["/const"]),
        (#"{"type":["string","null"],"enum":["a",null]}"#, #"{"type":["string","null"],"enum":["a"]}"#, ["/enum"]),
        (
            ##"{"$schema":"x","definitions":{"a":{"$ref":"#/definitions/b"},"b":{}},"properties":{"p":{"$ref":"#/definitions/a"}}}"##,
            ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{}},"properties":{"p":{"$ref":"#/$defs/a"}}}"##, []
        ),
        (
            ##"{"properties":{"p":{"$ref":"#","description":"d","minimum":1}}}"##,
            ##"{"properties":{"p":{"$ref":"#"}}}"##, ["/properties/p/minimum"]
        ),
        (
            ##"{"properties":{"p":{"allOf":[{"$ref":"#/$defs/a"}],"description":"d"},"q":{"allOf":[{"type":"string"}],"type":"null"}}}"##,
            ##"{"properties":{"p":{"$ref":"#/$defs/a"},"q":{"type":"null"}}}"##, ["/properties/q/allOf"]
        ),
    ]

    @Test(arguments: schemas.indices)
    func whatTheAPIDoesNotKnowIsLeftOutWithAWarning(_ index: Int) throws {
        let (given, sent, warnings) = Self.schemas[index]
        let schema = try #require(try JSONValue(json: Array(given.utf8)).object)
        let lowered = GeminiSchema(schema)
        #expect(lowered.warnings.map(\.path) == warnings)
        #expect(lowered.warnings.allSatisfy { $0.provider == "gemini" })
        #expect(try JSONValue.object(lowered.schema) == JSONValue(json: Array((sent ?? given).utf8)))
    }
}
