public import MeerkatJSON

/// What one attempt of a model call used and came to.
public struct ModelCallRecord: Sendable, Hashable {
    public var call: ModelCall
    /// Nil when the provider did not say.
    public var usage: Usage?
    /// Nil when it is unknown.
    public var cost: USDollars?
    /// Why the attempt failed; nil when it was answered.
    public var failure: String?

    public init(call: ModelCall, usage: Usage?, cost: USDollars?, failure: String? = nil) {
        self.call = call
        self.usage = usage
        self.cost = cost
        self.failure = failure
    }
}

extension ModelCallRecord: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("call", call.call)
            writer.member("purpose", call.purpose.rawValue)
            writer.member("attempt", call.attempt)
            writer.member("provider", call.provider)
            writer.member("model", call.model)
            writer.member("endpoint", call.endpoint)
            writer.member("usage", usage)
            writer.member("cost_usd") { writer in
                if let cost { cost.write(to: &writer) } else { writer.writeNull() }
            }
            writer.member("failure", failure)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(
            call: ModelCall(call: 0, purpose: .turn, attempt: 1, provider: "", model: "", endpoint: ""), usage: nil,
            cost: nil)
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "call": call.call = try reader.readCount()
            case "purpose": call.purpose = ModelCall.Purpose(rawValue: try reader.readString()) ?? .turn
            case "attempt": call.attempt = try reader.readCount()
            case "provider": call.provider = try reader.readString()
            case "model": call.model = try reader.readString()
            case "endpoint": call.endpoint = try reader.readString()
            case "usage": usage = try reader.readOptional()
            case "cost_usd": cost = try reader.readOptional()
            case "failure": failure = try reader.readOptional()
            default: break
            }
        }
    }
}

/// Pairs the entries of model calls with what they came to.
public struct ModelCallRecorder: Sendable, Hashable {
    /// What a call has come to.
    public struct Closed: Sendable, Hashable {
        /// Nil when nothing was told of its beginning.
        public var record: ModelCallRecord?
        var usage: Usage?
        var spent: Spending?
    }

    /// The call that has not come to anything yet.
    var open: ModelCall?

    public init() {}

    /// Takes an entry; those that are not about model calls change nothing.
    ///
    /// A call that comes to nothing before the next one begins or its run ends was cut off by the end of its process.
    public mutating func take(_ entry: Entry.Kind) -> Closed? {
        switch entry {
        case .modelCalled(let call):
            defer { open = call }
            return abandon()
        case .modelFailed(_, _, let cause, let usage, let spent): return close(usage, spent, failure: cause)
        case .modelAnswered(_, _, _, let usage, let spent): return close(usage, spent)
        case .compacted(let compaction): return close(compaction.usage, compaction.spent)
        case .runFinished: return abandon()
        default: return nil
        }
    }

    private mutating func abandon() -> Closed? {
        guard let call = open else { return nil }
        // What a fork has copied of it has cost nothing there.
        let spent = call.bound == .zero ? Spending.zero : Spending(cost: nil, bound: call.bound)
        return close(nil, spent, failure: "interrupted")
    }

    private mutating func close(_ usage: Usage?, _ spent: Spending?, failure: String? = nil) -> Closed {
        let record = open.take().map { ModelCallRecord(call: $0, usage: usage, cost: spent?.cost, failure: failure) }
        return Closed(record: record, usage: usage, spent: spent)
    }
}
