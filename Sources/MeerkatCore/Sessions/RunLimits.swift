public import MeerkatJSON

/// What a run may use; nil is no limit.
public struct RunLimits: Sendable, Hashable {
    /// Most tokens of the session, input and output together, over all its runs.
    public var maxTokens: Int?
    /// Longest duration of one run, in milliseconds.
    public var maxDurationMs: Int?
    /// Most tool calls of the session, refused ones included, over all its runs.
    public var maxToolCalls: Int?
    /// Most model calls of one run.
    public var maxTurns: Int?
    /// Most that the session may cost over all its runs; it needs a model whose price is known.
    public var maxCost: USDollars?

    public init(
        maxTokens: Int? = nil, maxDurationMs: Int? = nil, maxToolCalls: Int? = nil, maxTurns: Int? = nil,
        maxCost: USDollars? = nil
    ) {
        self.maxCost = maxCost
        self.maxTokens = maxTokens
        self.maxDurationMs = maxDurationMs
        self.maxToolCalls = maxToolCalls
        self.maxTurns = maxTurns
    }

    /// These limits, and where one is missing that of `other`.
    public func merging(_ other: RunLimits) -> RunLimits {
        RunLimits(
            maxTokens: maxTokens ?? other.maxTokens, maxDurationMs: maxDurationMs ?? other.maxDurationMs,
            maxToolCalls: maxToolCalls ?? other.maxToolCalls, maxTurns: maxTurns ?? other.maxTurns,
            maxCost: maxCost ?? other.maxCost)
    }

    public var isEmpty: Bool { self == RunLimits() }
}

extension RunLimits: JSONCodable {
    /// A limit of an unknown name is an error: whoever sets it relies on it.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "max_tokens": maxTokens = try Self.count(&reader)
            case "max_duration_ms": maxDurationMs = try Self.count(&reader)
            case "max_tool_calls": maxToolCalls = try Self.count(&reader)
            case "max_cost_usd": maxCost = try reader.readOptional()
            case "max_turns":
                maxTurns = try Self.count(&reader)
                if maxTurns == 0 { throw JSONError(.invalidValue("must be at least 1"), offset: reader.position) }
            default:
                let name = key.string.quoted
                guard try reader.readNull() else {
                    throw JSONError(.invalidValue("there is no limit \"\(name)\""), offset: reader.position)
                }
            }
        }
    }

    private static func count(_ reader: inout JSONReader) throws(JSONError) -> Int? {
        guard let count: Int = try reader.readOptional() else { return nil }
        guard count >= 0 else { throw JSONError(.numberOutOfRange, offset: reader.position) }
        return count
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("max_tokens", maxTokens)
            writer.member("max_duration_ms", maxDurationMs)
            writer.member("max_tool_calls", maxToolCalls)
            writer.member("max_turns", maxTurns)
            writer.member("max_cost_usd", maxCost)
        }
    }
}
