import Foundation
import MeerkatJSON
import MeerkatJSONSchema
import Testing

/// A schema and an instance, as JSON text, and whether they fit.
struct Verdict: CustomTestStringConvertible, Sendable {
    var schema: String
    var instance: String
    var isValid: Bool
    var draft = JSONSchema.Draft.draft2020

    init(_ schema: String, accepts instance: String, draft: JSONSchema.Draft = .draft2020) {
        (self.schema, self.instance, isValid, self.draft) = (schema, instance, true, draft)
    }

    init(_ schema: String, refuses instance: String, draft: JSONSchema.Draft = .draft2020) {
        (self.schema, self.instance, isValid, self.draft) = (schema, instance, false, draft)
    }

    var testDescription: String { "\(instance) \(isValid ? "fits" : "breaks") \(schema)" }

    func check() throws {
        let violations = try JSONSchema(json(schema), draft: draft).violations(in: json(instance))
        #expect(violations.isEmpty == isValid, "\(violations)")
    }
}

func json(_ text: String) throws -> JSONValue {
    try JSONValue(json: Array(text.utf8))
}

/// The violations of an instance, each in one line: `instance path | schema path | message`.
func lines(_ schema: String, _ instance: String, draft: JSONSchema.Draft = .draft2020) throws -> [String] {
    try JSONSchema(json(schema), draft: draft).violations(in: json(instance))
        .map { "\($0.instancePath) | \($0.schemaPath) | \($0.message)" }
}
