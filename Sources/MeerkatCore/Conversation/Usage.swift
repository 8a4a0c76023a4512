public import MeerkatJSON

/// Tokens of one model call or of a session.
///
/// As JSON the cache members are null when unknown.
public struct Usage: Sendable, Hashable {
    public var inputTokens: UInt64
    public var outputTokens: UInt64
    public var cacheCreationTokens: UInt64?
    public var cacheReadTokens: UInt64?
    /// The part of the output that was spent on thinking; nil when unknown.
    public var reasoningTokens: UInt64?

    public init(
        inputTokens: UInt64 = 0, outputTokens: UInt64 = 0, cacheCreationTokens: UInt64? = nil,
        cacheReadTokens: UInt64? = nil, reasoningTokens: UInt64? = nil
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cacheCreationTokens = cacheCreationTokens
        self.cacheReadTokens = cacheReadTokens
        self.reasoningTokens = reasoningTokens
    }

    /// Input and output; cached tokens are reported apart and not added.
    public var totalTokens: UInt64 { inputTokens.addingClamped(outputTokens) }

    /// The size of what the model read.
    ///
    /// `includesCache` says whether the provider counts cached tokens as input tokens as well.
    public func contextTokens(includesCache: Bool) -> UInt64 {
        guard !includesCache else { return inputTokens }
        return inputTokens.addingClamped(cacheReadTokens ?? 0).addingClamped(cacheCreationTokens ?? 0)
    }

    /// The size of what the model read, by the looks of the numbers.
    ///
    /// Some providers count cached tokens in the input and some beside it; more cached than input tokens can only be
    /// the latter.
    public var contextTokens: Int {
        let cached = (cacheReadTokens ?? 0).addingClamped(cacheCreationTokens ?? 0)
        return Int(clamping: cached > inputTokens ? inputTokens.addingClamped(cached) : inputTokens)
    }

    public static func += (total: inout Usage, part: Usage) {
        total.inputTokens = total.inputTokens.addingClamped(part.inputTokens)
        total.outputTokens = total.outputTokens.addingClamped(part.outputTokens)
        if let tokens = part.cacheCreationTokens {
            total.cacheCreationTokens = (total.cacheCreationTokens ?? 0).addingClamped(tokens)
        }
        if let tokens = part.cacheReadTokens {
            total.cacheReadTokens = (total.cacheReadTokens ?? 0).addingClamped(tokens)
        }
        if let tokens = part.reasoningTokens {
            total.reasoningTokens = (total.reasoningTokens ?? 0).addingClamped(tokens)
        }
    }
}

extension Usage: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("input_tokens", inputTokens)
            writer.member("output_tokens", outputTokens)
            writer.member("cache_creation_tokens") { writer in
                if let cacheCreationTokens { writer.writeInteger(cacheCreationTokens) } else { writer.writeNull() }
            }
            writer.member("cache_read_tokens") { writer in
                if let cacheReadTokens { writer.writeInteger(cacheReadTokens) } else { writer.writeNull() }
            }
            writer.member("reasoning_tokens", reasoningTokens)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        var usage = Usage()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "input_tokens": usage.inputTokens = try reader.readInteger()
            case "output_tokens": usage.outputTokens = try reader.readInteger()
            case "cache_creation_tokens": usage.cacheCreationTokens = try reader.readOptional()
            case "cache_read_tokens": usage.cacheReadTokens = try reader.readOptional()
            case "reasoning_tokens": usage.reasoningTokens = try reader.readOptional()
            default: break
            }
        }
        self = usage
    }
}
