/// One reason why an instance is not what its schema describes.
public struct SchemaViolation: Hashable, Sendable {
    /// JSON pointer to the faulty part of the instance; empty for the instance as a whole.
    public let instancePath: String
    /// JSON pointer to the keyword in the schema, preceded by `URI#` when it stands in another document.
    public let schemaPath: String
    /// What was expected and what was found, in one line; foreign text in it is quoted and cut at 200 bytes.
    public let message: String

    public init(instancePath: String, schemaPath: String, message: String) {
        self.instancePath = instancePath
        self.schemaPath = schemaPath
        self.message = message
    }
}

extension SchemaViolation: CustomStringConvertible {
    public var description: String {
        instancePath.isEmpty ? message : "at \(Excerpt.quoted(instancePath)): \(message)"
    }
}
