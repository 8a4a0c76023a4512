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
            writer.member("usage") { Self.write(result.usage, to: &$0) }
            writer.member("structured_output", result.structuredOutput)
            if !result.schemaWarnings.isEmpty { writer.member("schema_warnings", result.schemaWarnings) }
            writer.member("run_id", result.run)
            writer.member("stop_reason", result.stopReason)
            writer.member("provider", result.provider)
            writer.member("model", result.model)
            writer.member("endpoint", result.endpoint)
        }
    }

    static func write(_ usage: Usage, to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("input_tokens", usage.inputTokens)
            writer.member("output_tokens", usage.outputTokens)
            writer.member("total_tokens", usage.totalTokens)
            writer.member("cache_creation_tokens", usage.cacheCreationTokens)
            writer.member("cache_read_tokens", usage.cacheReadTokens)
        }
    }
}
