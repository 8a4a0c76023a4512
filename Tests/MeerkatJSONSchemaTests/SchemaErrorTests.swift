import MeerkatJSON
import Testing

@testable import MeerkatJSONSchema

@Suite struct SchemaErrorTests {
    @Test(arguments: [
        (#"{"type":5}"#, "/type", "unknown type 5"),
        (#"{"type":"text"}"#, "/type", #"unknown type "text""#),
        (#"{"type":[]}"#, "/type", "expected at least one type"),
        (
            #"{"properties":{"a":{"minLength":-1}}}"#, "/properties/a/minLength",
            "expected a whole number from 0 on, found -1"
        ),
        (#"{"maxItems":1.5}"#, "/maxItems", "expected a whole number from 0 on, found 1.5"),
        (#"{"minimum":"1"}"#, "/minimum", #"expected a number, found "1""#),
        (#"{"multipleOf":0}"#, "/multipleOf", "expected a number greater than 0, found 0"),
        (#"{"multipleOf":-1}"#, "/multipleOf", "expected a number greater than 0, found -1"),
        (#"{"allOf":[]}"#, "/allOf", "expected an array of schemas, at least one"),
        (#"{"anyOf":{}}"#, "/anyOf", "expected an array of schemas, at least one"),
        (#"{"items":[true]}"#, "/items", "expected a schema, an object or a boolean, found [true]"),
        (#"{"properties":{"a":1}}"#, "/properties/a", "expected a schema, an object or a boolean, found 1"),
        (#"{"properties":[]}"#, "/properties", "expected an object of schemas"),
        (#"{"required":"a"}"#, "/required", "expected an array of strings"),
        (#"{"required":[1]}"#, "/required", "expected an array of strings, found 1 in it"),
        (#"{"uniqueItems":1}"#, "/uniqueItems", "expected a boolean"),
        (#"{"enum":1}"#, "/enum", "expected an array of values"),
        (#"{"pattern":"("}"#, "/pattern", #"the regular expression "(" is refused: a group is not closed"#),
        (
            #"{"patternProperties":{"(?=a)":true}}"#, "/patternProperties",
            #"the regular expression "(?=a)" is refused: look-ahead is not supported"#
        ),
        (##"{"$id":"a#b"}"##, "/$id", "a fragment is not allowed here; use $anchor"),
        (#"{"$ref":1}"#, "/$ref", "expected a string, a URI reference"),
        ("[]", "", "expected a schema, an object or a boolean, found []"),
    ])
    func invalidKeywordsAreNamedWithTheirPlace(_ schema: String, _ path: String, _ message: String) throws {
        let value = try json(schema)
        #expect(throws: JSONSchemaError.invalidSchema(path: path, message: message)) { try JSONSchema(value) }
    }

    @Test func otherDraftsAreRefused() {
        let uri = "http://json-schema.org/draft-04/schema#"
        #expect(throws: JSONSchemaError.unsupportedDraft(uri)) { try JSONSchema(["$schema": .string(uri)]) }
    }

    @Test(arguments: MetaSchemas.uris)
    func everyMetaSchemaCompiles(_ uri: String) throws {
        let schema = try JSONSchema(["$ref": .string(uri)])
        #expect(try schema.violations(in: true).isEmpty)
        #expect(try !schema.violations(in: 1).isEmpty)
    }
}
