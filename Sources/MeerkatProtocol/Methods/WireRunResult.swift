public import MeerkatCore
public import MeerkatJSON

/// What a run came to, as clients get it.
///
/// A type of its own because the contract's usage adds `total_tokens` and leaves unknown members out.
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
            writer.member("usage") { writer in
                writer.writeObject { writer in
                    writer.member("input_tokens", result.usage.inputTokens)
                    writer.member("output_tokens", result.usage.outputTokens)
                    writer.member("total_tokens", result.usage.totalTokens)
                    writer.member("cache_creation_tokens", result.usage.cacheCreationTokens)
                    writer.member("cache_read_tokens", result.usage.cacheReadTokens)
                }
            }
            writer.member("run_id", result.run)
            writer.member("stop_reason", result.stopReason)
            writer.member("provider", result.provider)
            writer.member("model", result.model)
            writer.member("endpoint", result.endpoint)
        }
    }
}
