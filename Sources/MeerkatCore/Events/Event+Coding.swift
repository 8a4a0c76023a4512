public import MeerkatJSON

extension Event: JSONWritable {
    /// The value of `type`.
    public var type: StaticString {
        switch self {
        case .runStarted: "run_started"
        case .runCompleted: "run_completed"
        case .runFailed: "run_failed"
        case .turnStarted: "turn_started"
        case .textDelta: "text_delta"
        case .textComplete: "text_complete"
        case .reasoningDelta: "reasoning_delta"
        case .reasoningComplete: "reasoning_complete"
        case .toolCallRequested: "tool_call_requested"
        case .toolExecutionStarted: "tool_execution_started"
        case .toolExecutionTimedOut: "tool_execution_timed_out"
        case .toolExecutionCompleted: "tool_execution_completed"
        case .toolResultReceived: "tool_result_received"
        case .turnCompleted: "turn_completed"
        case .retrying: "retrying"
        case .modelFallback: "model_fallback"
        case .budgetWarning: "budget_warning"
        case .compactionStarted: "compaction_started"
        case .compactionCompleted: "compaction_completed"
        case .compactionFailed: "compaction_failed"
        }
    }

    /// Whether this is the last event of its run.
    public var isTerminal: Bool {
        switch self {
        case .runCompleted, .runFailed: true
        default: false
        }
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("type") {
                $0.bytes.append(UInt8(ascii: "\"")); $0.raw(type); $0.raw("\"")
            }
            writePayload(to: &writer)
        }
    }

    private func writePayload(to writer: inout JSONWriter) {
        switch self {
        case .runStarted(let event):
            writer.member("session_id", event.sessionID)
            writer.member("prompt", event.prompt)
            writer.member("provider", event.provider)
            writer.member("model", event.model)
            writer.member("endpoint", event.endpoint)
            if event.isResumed { writer.member("resumed", true) }
        case .runCompleted(let event):
            writer.member("session_id", event.sessionID)
            writer.member("result", event.result)
            writer.member("usage", event.usage)
            writer.member("cost_usd", event.cost)
        case .runFailed(let event):
            writer.member("session_id", event.sessionID)
            writer.member("error", event.error)
        case .turnStarted(let event): writer.member("turn_number", event.turnNumber)
        case .textDelta(let event): writer.member("delta", event.delta)
        case .textComplete(let event): writer.member("content", event.content)
        case .reasoningDelta(let event): writer.member("delta", event.delta)
        case .reasoningComplete(let event): writer.member("content", event.content)
        case .toolCallRequested(let event):
            writer.member("id", event.id)
            writer.member("name", event.name)
            writer.member("args", event.args)
        case .toolExecutionStarted(let event):
            writer.member("id", event.id)
            writer.member("name", event.name)
        case .toolExecutionTimedOut(let event):
            writer.member("id", event.id)
            writer.member("name", event.name)
            writer.member("timeout_ms", event.timeoutMs)
        case .toolExecutionCompleted(let event):
            writer.member("id", event.id)
            writer.member("name", event.name)
            writer.member("result", event.result)
            writer.member("is_error", event.isError)
            writer.member("duration_ms", event.durationMs)
        case .toolResultReceived(let event):
            writer.member("id", event.id)
            writer.member("name", event.name)
            writer.member("is_error", event.isError)
        case .turnCompleted(let event):
            writer.member("stop_reason", event.stopReason)
            writer.member("usage", event.usage)
        case .retrying(let event):
            writer.member("attempt", event.attempt)
            writer.member("max_attempts", event.maxAttempts)
            writer.member("error", event.error)
            writer.member("delay_ms", event.delayMs)
            writer.member("discard_text", event.discardText)
        case .modelFallback(let event):
            writer.member("from_provider", event.fromProvider)
            writer.member("from_model", event.fromModel)
            writer.member("provider", event.provider)
            writer.member("model", event.model)
            writer.member("endpoint", event.endpoint)
            writer.member("error", event.error)
            writer.member("discard_text", event.discardText)
        case .budgetWarning(let event):
            writer.member("budget_type", event.budgetType.rawValue)
            writer.member("used", event.used)
            writer.member("limit", event.limit)
            writer.member("percent", event.percent)
        case .compactionStarted(let event):
            writer.member("input_tokens", event.inputTokens)
            writer.member("estimated_history_tokens", event.estimatedHistoryTokens)
            writer.member("message_count", event.messageCount)
        case .compactionCompleted(let event):
            writer.member("summary_tokens", event.summaryTokens)
            writer.member("messages_before", event.messagesBefore)
            writer.member("messages_after", event.messagesAfter)
        case .compactionFailed(let event): writer.member("error", event.error)
        }
    }
}
