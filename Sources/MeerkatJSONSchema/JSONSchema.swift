public import MeerkatJSON

/// A JSON Schema, compiled once and applied to any number of instances.
///
/// Drafts 2020-12 and 07. `format`, `contentEncoding` and `contentMediaType` are annotations, as the specification has
/// it by default. References are resolved when the schema is compiled: inside the schema, into `documents` and into the
/// meta-schemas of both drafts; nothing is ever fetched. Patterns are matched in linear time, without look-around and
/// back-references. Work and nesting are bounded, so that schemas and instances may come from anywhere.
///
/// Source: <https://json-schema.org/draft/2020-12/json-schema-core>,
/// <https://json-schema.org/draft/2020-12/json-schema-validation>, <https://json-schema.org/draft-07/json-schema-core>
public struct JSONSchema: Sendable {
    /// A version of the specification.
    public enum Draft: Hashable, Sendable {
        case draft7
        case draft2020
    }

    /// Violations that ``violations(in:)`` returns at most.
    public static let maxViolations = 32

    private let compiled: CompiledSchema

    /// Compiles a schema, an object or a boolean.
    ///
    /// - Parameters:
    ///   - schema: The schema; its `$schema` decides about the draft.
    ///   - draft: The draft of a schema without `$schema`.
    ///   - documents: Further schemas that it may refer to, by their absolute URIs.
    /// - Throws: ``JSONSchemaError``, every case except `budgetExceeded`.
    public init(
        _ schema: JSONValue, draft: Draft = .draft2020, documents: [String: JSONValue] = [:]
    ) throws(JSONSchemaError) {
        var compiler = SchemaCompiler(draft: draft, documents: documents)
        compiled = try compiler.compile(schema)
    }

    /// What is wrong with `instance`: nothing when it is valid, the first ``maxViolations`` reasons otherwise.
    ///
    /// - Throws: `tooDeep` or `budgetExceeded` when the instance cannot be judged within the bounds. The budget grows
    ///   with the size of the instance times the size of the schema.
    public func violations(in instance: JSONValue) throws(JSONSchemaError) -> [SchemaViolation] {
        var check = Validator(schema: compiled, instance: instance, isCollecting: false)
        do throws(Validator.Stop) {
            if try check.run() { return [] }
        } catch {
            throw check.error(for: error)
        }
        return explanation(of: instance)
    }

    /// Goes through an instance known to be invalid once more and writes down the reasons.
    private func explanation(of instance: JSONValue) -> [SchemaViolation] {
        var validator = Validator(schema: compiled, instance: instance, isCollecting: true)
        // A stop ends the list, not the verdict: that the instance is invalid is settled.
        _ = try? validator.run()
        guard validator.findings.isEmpty else { return validator.findings.map(\.violation) }
        return [SchemaViolation(instancePath: "", schemaPath: "", message: "the value does not match the schema")]
    }
}
