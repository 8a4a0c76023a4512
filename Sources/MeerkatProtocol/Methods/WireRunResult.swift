public import MeerkatCore
public import MeerkatJSON

/// What a run came to, as clients get it.
///
/// Types of their own because the contract's usage adds `total_tokens` and leaves unknown members out.
public struct WireRunResult: JSONWritable, Sendable, Hashable {
    public var result: RunResult

    public init(_ result: RunResult) {
        self.result = result
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("session_id", result.session)
            writer.member("text", result.text)
            writer.member("turns", result.turns)
            writer.member("tool_calls", result.toolCalls)
            writer.member("usage", WireUsage(result.usage))
            writer.memberOrNull("cost_usd", result.cost)
            writer.member("model_calls", result.modelCalls.map { WireModelCall($0) })
            writer.member("structured_output", result.structuredOutput)
            if !result.schemaWarnings.isEmpty { writer.member("schema_warnings", result.schemaWarnings) }
            writer.member("run_id", result.run)
            writer.member("stop_reason", result.stopReason)
            writer.member("provider", result.provider)
            writer.member("model", result.model)
            writer.member("endpoint", result.endpoint)
        }
    }
}

/// Tokens with their sum; what is unknown is left out.
struct WireUsage: JSONWritable {
    private let usage: Usage

    init(_ usage: Usage) {
        self.usage = usage
    }

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("input_tokens", usage.inputTokens)
            writer.member("output_tokens", usage.outputTokens)
            writer.member("total_tokens", usage.totalTokens)
            writer.member("cache_creation_tokens", usage.cacheCreationTokens)
            writer.member("cache_read_tokens", usage.cacheReadTokens)
            writer.member("reasoning_tokens", usage.reasoningTokens)
        }
    }
}

/// One attempt of a model call: who was asked for what, what it used and cost, and why it failed if it did.
struct WireModelCall: JSONWritable {
    private let record: ModelCallRecord

    init(_ record: ModelCallRecord) {
        self.record = record
    }

    func write(to writer: inout JSONWriter) {
        let call = record.call
        writer.writeObject { writer in
            writer.member("call", call.call)
            writer.member("purpose", call.purpose.rawValue)
            writer.member("attempt", call.attempt)
            writer.member("provider", call.provider)
            writer.member("model", call.model)
            writer.member("endpoint", call.endpoint)
            writer.member("usage", record.usage.map { WireUsage($0) })
            writer.memberOrNull("cost_usd", record.cost)
            writer.member("failure", record.failure)
        }
    }
}
