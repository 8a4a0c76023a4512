public import MeerkatJSON

/// The JSON Schema that the final answer of a run must fit.
public struct OutputSchema: Sendable, Hashable {
    /// What happens to keywords that a provider's own mode does not know.
    public enum Compatibility: String, Sendable, Hashable {
        /// They are left out of what the provider is sent, with a warning; the answer is checked against all of them.
        case lossy
        /// They are an error.
        case strict
    }

    /// The schema; object schemas have `properties` and `required`, if only empty ones.
    public var schema: JSONObject
    public var name: String?
    /// Asks the provider for its strict mode.
    public var isStrict: Bool
    public var compatibility: Compatibility

    public init(
        schema: JSONObject, name: String? = nil, isStrict: Bool = false, compatibility: Compatibility = .lossy
    ) {
        self.schema = schema.normalizedSchema
        self.name = name
        self.isStrict = isStrict
        self.compatibility = compatibility
    }

    /// Takes a schema or its wrapped form: an object with `schema` and either `format` `meerkat_v1` or no members but
    /// `name`, `strict`, `compat` and `format`.
    ///
    /// - Returns: nil for an empty object, which asks for nothing.
    /// - Throws: what is wrong, and with which member.
    public init?(_ object: JSONObject) throws(OutputSchemaError) {
        guard !object.isEmpty else { return nil }
        guard let inner = object["schema"], object.isWrappedSchema else {
            self.init(schema: object)
            return
        }
        guard let schema = inner.object else { throw OutputSchemaError(member: "schema", expected: "an object") }
        self.init(schema: schema)
        name = try Self.member("name", of: object, "a string", \.string)
        isStrict = try Self.member("strict", of: object, "a boolean", \.bool) ?? false
        compatibility =
            try Self.member("compat", of: object, "\"lossy\" or \"strict\"") {
                $0.string.flatMap(Compatibility.init(rawValue:))
            } ?? .lossy
        _ = try Self.member("format", of: object, "\"meerkat_v1\"") { $0 == "meerkat_v1" ? true : nil }
    }

    private static func member<T>(
        _ name: String, of object: JSONObject, _ expected: String, _ read: (JSONValue) -> T?
    ) throws(OutputSchemaError) -> T? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let result = read(value) else { throw OutputSchemaError(member: name, expected: expected) }
        return result
    }
}

/// What is wrong with the form of an output schema.
public struct OutputSchemaError: Error, Sendable, Hashable {
    public var member: String
    public var expected: String

    public init(member: String, expected: String) {
        self.member = member
        self.expected = expected
    }
}

extension OutputSchema: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        let start = reader.position
        let object = try JSONObject(from: &reader)
        do throws(OutputSchemaError) {
            self = try OutputSchema(object) ?? OutputSchema(schema: JSONObject())
        } catch {
            throw JSONError(.typeMismatch(expected: error.expected), offset: start, path: [error.member])
        }
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("schema", schema)
            writer.member("name", name)
            writer.member("strict", isStrict)
            writer.member("compat", compatibility.rawValue)
            writer.member("format", "meerkat_v1")
        }
    }
}

/// Something of an output schema that a provider is not told.
public struct SchemaWarning: Sendable, Hashable, JSONCodable {
    public var provider: String
    /// A JSON pointer into the schema.
    public var path: String
    public var message: String

    public init(provider: String, path: String, message: String) {
        self.provider = provider
        self.path = path
        self.message = message
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(provider: "", path: "", message: "")
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "provider": provider = try reader.readString()
            case "path": path = try reader.readString()
            case "message": message = try reader.readString()
            default: break
            }
        }
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("provider", provider)
            writer.member("path", path)
            writer.member("message", message)
        }
    }
}

extension JSONObject {
    /// Whether this is the wrapped form of an output schema and not a schema itself.
    fileprivate var isWrappedSchema: Bool {
        self["format"] == "meerkat_v1"
            || names.allSatisfy { ["schema", "name", "strict", "compat", "format"].contains($0) }
    }
}
