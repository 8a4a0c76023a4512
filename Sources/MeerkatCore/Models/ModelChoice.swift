public import MeerkatJSON

/// A model and who offers it.
///
/// As JSON it is the model's name, or an object when the provider is named as well.
public struct ModelChoice: Sendable, Hashable {
    /// Nil infers it from the model's name.
    public var provider: String?
    public var model: String

    public init(provider: String? = nil, model: String) {
        self.provider = provider
        self.model = model
    }
}

extension ModelChoice: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        guard try reader.peek() == .object else {
            self.init(model: try reader.readString())
            return
        }
        var provider: String?
        var model: String?
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "provider": provider = try reader.readOptional()
            case "model": model = try reader.readString()
            default: break
            }
        }
        self.init(provider: provider, model: try reader.require(model, "model"))
    }

    public func write(to writer: inout JSONWriter) {
        guard let provider else { return writer.writeString(model) }
        writer.writeObject { writer in
            writer.member("provider", provider)
            writer.member("model", model)
        }
    }
}

extension ModelChoice: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        if let model = json.string {
            self.init(model: model)
        } else if let model = json["model"]?.string {
            self.init(provider: json["provider"]?.string, model: model)
        } else {
            throw ConfigError(.wrongType(expected: "the name of a model, or a table with model and provider"))
        }
    }

    public var configJSON: JSONValue {
        provider.map { ["provider": .string($0), "model": .string(model)] } ?? .string(model)
    }
}
