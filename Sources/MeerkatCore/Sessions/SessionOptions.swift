public import MeerkatJSON

/// What a session is created with; fixed for its life.
public struct SessionOptions: Sendable, Hashable {
    /// Nil asks the configuration.
    public var model: String?
    public var provider: String?
    /// Most tokens of one answer.
    public var maxTokens: Int?
    /// Replaces the composed instructions.
    public var systemPrompt: String?
    /// Settings for the provider, merged over those of the configuration.
    public var providerParams: JSONObject?
    /// From the configuration; no request sets it.
    public var temperature: Double?

    public init(
        model: String? = nil, provider: String? = nil, maxTokens: Int? = nil, systemPrompt: String? = nil,
        providerParams: JSONObject? = nil
    ) {
        self.model = model
        self.provider = provider
        self.maxTokens = maxTokens
        self.systemPrompt = systemPrompt
        self.providerParams = providerParams
    }

    /// Reads the member `key` if it is an option; tells whether it was.
    public mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "model": model = try reader.readOptional()
        case "provider": provider = try reader.readOptional()
        case "max_tokens":
            maxTokens = try reader.readOptional()
            if let maxTokens, maxTokens < 0 || maxTokens > Int(UInt32.max) {
                throw JSONError(.numberOutOfRange, offset: reader.position)
            }
        case "system_prompt": systemPrompt = try reader.readOptional()
        case "provider_params": providerParams = try reader.readOptional()
        default: return false
        }
        return true
    }
}

extension SessionOptions: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        var options = SessionOptions()
        try reader.readObject { (reader, key) throws(JSONError) in
            if case "temperature" = key { options.temperature = try reader.readOptional() }
            _ = try options.read(key, from: &reader)
        }
        self = options
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("model", model)
            writer.member("provider", provider)
            writer.member("max_tokens", maxTokens)
            writer.member("system_prompt", systemPrompt)
            writer.member("provider_params", providerParams)
            writer.member("temperature", temperature)
        }
    }
}
