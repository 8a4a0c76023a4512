/// Why a schema could not be compiled, or an instance not be judged.
///
/// An instance that breaks the schema is no error: see ``JSONSchema/violations(in:)``.
public enum JSONSchemaError: Error, Hashable, Sendable {
    /// A keyword has a value that the specification does not allow, or that this validator does not support.
    case invalidSchema(path: String, message: String)
    /// A `$ref` or `$dynamicRef` names something that is in none of the documents at hand.
    case unresolvableReference(String)
    /// `$schema` names something other than draft 2020-12 and draft-07.
    case unsupportedDraft(String)
    /// The schema at `path` refers back to itself without looking at another part of the instance.
    case endlessReference(path: String)
    /// The schema is nested, or the instance leads through it, deeper than `limit` levels.
    case tooDeep(limit: Int)
    /// Judging the instance took more than `steps` steps.
    case budgetExceeded(steps: Int)
}

extension JSONSchemaError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidSchema(let path, let message): "invalid schema at \"\(Excerpt.text(path))\": \(message)"
        case .unresolvableReference(let reference):
            "the schema refers to \(Excerpt.quoted(reference)), which is unknown"
        case .unsupportedDraft(let uri): "unsupported $schema \(Excerpt.quoted(uri))"
        case .endlessReference(let path): "the schema at \"\(Excerpt.text(path))\" refers to itself without end"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .budgetExceeded(let steps): "the validation took more than \(steps) steps"
        }
    }
}
