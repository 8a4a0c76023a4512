public import MeerkatJSON

/// What a session is created with, or what one turn has otherwise; nil leaves it as it is.
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
    /// What the final answer must fit.
    public var outputSchema: OutputSchema?
    /// Model calls after the first answer that does not fit.
    public var structuredOutputRetries: Int?
    /// The built-in tools other than the shell's.
    public var enableBuiltins: Bool?
    /// The shell and its jobs.
    public var enableShell: Bool?
    /// Where the tools work, an absolute path; nil is the working directory of the process.
    public var workingDirectory: String?
    public var limits = RunLimits()
    /// Models that a call is made of, one after the other, when it has failed for good; nil asks the configuration.
    public var fallbackModels: [ModelChoice]?

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

    /// Reads the member `key` if it may differ from turn to turn; tells whether it was.
    public mutating func readOverride(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "model": model = try reader.readOptional()
        case "provider": provider = try reader.readOptional()
        case "max_tokens": maxTokens = try Self.count(&reader)
        case "output_schema": outputSchema = try Self.outputSchema(&reader)
        case "structured_output_retries": structuredOutputRetries = try Self.count(&reader)
        case "limits": limits = try reader.readOptional() ?? RunLimits()
        case "fallback_models": fallbackModels = try reader.readOptional()
        default: return false
        }
        return true
    }

    /// Reads the member `key` if it is an option; tells whether it was.
    public mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "system_prompt": systemPrompt = try reader.readOptional()
        case "provider_params": providerParams = try reader.readOptional()
        case "enable_builtins": enableBuiltins = try reader.readOptional()
        case "enable_shell": enableShell = try reader.readOptional()
        case "cwd": workingDirectory = try reader.readOptional()
        default: return try readOverride(key, from: &reader)
        }
        return true
    }

    private static func count(_ reader: inout JSONReader) throws(JSONError) -> Int? {
        guard let count: Int = try reader.readOptional() else { return nil }
        guard (0...Int(UInt32.max)).contains(count) else { throw JSONError(.numberOutOfRange, offset: reader.position) }
        return count
    }

    private static func outputSchema(_ reader: inout JSONReader) throws(JSONError) -> OutputSchema? {
        let schema: OutputSchema? = try reader.readOptional()
        return schema?.schema.isEmpty == true ? nil : schema
    }

    /// These options with what one turn has otherwise.
    ///
    /// A model that is named without a provider is looked for anew.
    public func overridden(by turn: SessionOptions) -> SessionOptions {
        var options = self
        if let model = turn.model { options.model = model }
        if let provider = turn.provider, provider != options.provider {
            options.provider = provider
            // Settings for one provider mean nothing to another.
            options.providerParams = nil
        }
        if let maxTokens = turn.maxTokens { options.maxTokens = maxTokens }
        if let schema = turn.outputSchema { options.outputSchema = schema }
        if let retries = turn.structuredOutputRetries { options.structuredOutputRetries = retries }
        if let models = turn.fallbackModels { options.fallbackModels = models }
        options.limits = turn.limits.merging(limits)
        return options
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
            writer.member("output_schema", outputSchema)
            writer.member("structured_output_retries", structuredOutputRetries)
            writer.member("enable_builtins", enableBuiltins)
            writer.member("enable_shell", enableShell)
            writer.member("cwd", workingDirectory)
            if !limits.isEmpty { writer.member("limits", limits) }
            writer.member("fallback_models", fallbackModels)
        }
    }
}
