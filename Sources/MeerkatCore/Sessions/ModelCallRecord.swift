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
            case "call": call.call = try reader.readInteger()
            case "purpose": call.purpose = ModelCall.Purpose(rawValue: try reader.readString()) ?? .turn
            case "attempt": call.attempt = try reader.readInteger()
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
    public private(set) var records: [ModelCallRecord] = []
    private var open: ModelCall?

    public init() {}

    /// Takes an entry; those that are not about model calls change nothing.
    public mutating func take(_ entry: Entry.Kind) {
        switch entry {
        case .modelCalled(let call):
            abandon()
            open = call
        case .runFinished: abandon()
        case .modelFailed(_, _, let cause, let usage, let spent): close(usage, spent, failure: cause)
        case .modelAnswered(_, _, _, let usage, let spent): close(usage, spent, failure: nil)
        case .compacted(let compaction): close(compaction.usage, compaction.spent, failure: nil)
        default: break
        }
    }

    /// The end of its process has cut the open call off.
    private mutating func abandon() {
        if let call = open { close(nil, call.spendingIfLost, failure: "interrupted") }
    }

    private mutating func close(_ usage: Usage?, _ spent: Spending?, failure: String?) {
        guard let call = open.take() else { return }
        records.append(ModelCallRecord(call: call, usage: usage, cost: spent?.cost, failure: failure))
    }
}

extension ModelCallRecorder: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("records", records)
            writer.member("open", open.map { ModelCallRecord(call: $0, usage: nil, cost: nil) })
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "records": records = try reader.read()
            case "open": open = try reader.readOptional(ModelCallRecord.self)?.call
            default: break
            }
        }
    }
}

extension ModelCall {
    /// What the call may have cost when nothing is known of what it came to; what a fork has copied has cost nothing there.
    var spendingIfLost: Spending { bound == .zero ? .zero : Spending(cost: nil, bound: bound) }
}
