public import MeerkatJSON

/// The stored form: one object per entry, the kind's own members beside the common ones.
extension Entry: JSONWritable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("seq", seq)
            writer.member("at", at)
            writer.member("v", Self.currentVersion)
            writer.member("run", run)
            kind.write(to: &writer)
        }
    }
}

extension Entry.Kind {
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .sessionCreated(let options, let origin):
            writer.member("kind", "session_created")
            writer.member("options", options)
            if case .forked(let session, let seq) = origin {
                writer.member("forked_from", session)
                writer.member("forked_at", seq)
            }
        case .contextSet(let instructions, let tools):
            writer.member("kind", "context_set")
            writer.member("instructions", instructions)
            writer.member("tools", tools)
        case .runStarted(let prompt, let overrides):
            writer.member("kind", "run_started")
            writer.member("prompt", prompt)
            writer.member("overrides", overrides)
        case .runResumed:
            writer.member("kind", "run_resumed")
        case .messageAdded(let origin, let blocks):
            writer.member("kind", "message_added")
            writer.member("origin", origin)
            writer.member("blocks", blocks)
        case .modelCalled(let call):
            writer.member("kind", "model_called")
            writer.member("call", call.call)
            writer.member("purpose", call.purpose.rawValue)
            writer.member("attempt", call.attempt)
            writer.member("provider", call.provider)
            writer.member("model", call.model)
            writer.member("endpoint", call.endpoint)
            writer.member("bound_usd", call.bound)
        case .modelFailed(let call, let attempt, let cause, let usage, let spent):
            writer.member("kind", "model_failed")
            writer.member("call", call)
            writer.member("attempt", attempt)
            writer.member("cause", cause)
            writer.member("usage", usage)
            writer.member("spent", spent)
        case .modelAnswered(let call, let blocks, let stopReason, let usage, let spent):
            writer.member("kind", "model_answered")
            writer.member("call", call)
            writer.member("blocks", blocks)
            writer.member("stop_reason", stopReason)
            writer.member("usage", usage)
            writer.member("spent", spent)
        case .toolStarted(let toolUseID, let name, let arguments, let effect):
            writer.member("kind", "tool_started")
            writer.member("tool_use_id", toolUseID)
            writer.member("name", name)
            writer.member("arguments", arguments)
            writer.member("effect", effect.rawValue)
        case .processStarted(let toolUseID, let process):
            writer.member("kind", "process_started")
            writer.member("tool_use_id", toolUseID)
            writer.member("process", process)
        case .compacted(let compaction):
            writer.member("kind", "compacted")
            writer.member("summary", compaction.summary)
            writer.member("kept_from", compaction.keptFrom)
            writer.member("usage", compaction.usage)
            writer.member("spent", compaction.spent)
            writer.member("totals", compaction.totals)
        case .toolFinished(let result):
            writer.member("kind", "tool_finished")
            writer.member("tool_use_id", result.toolUseID)
            writer.member("name", result.name)
            writer.member("content", result.content)
            writer.member("is_error", result.isError)
            writer.member("origin", result.origin.text)
        case .runFinished(let outcome):
            writer.member("kind", "run_finished")
            outcome.write(to: &writer)
        case .archived:
            writer.member("kind", "archived")
        }
    }
}

extension ToolResult.Origin {
    /// The stored and shown name.
    public var text: String {
        switch self {
        case .ran: "ran"
        case .denied: "denied"
        case .timedOut: "timed_out"
        case .notStarted: "closed_not_started"
        case .effectUnknown: "closed_effect_unknown"
        }
    }

    init?(text: String) {
        for origin in [Self.ran, .denied, .timedOut, .notStarted, .effectUnknown] where origin.text == text {
            self = origin
            return
        }
        return nil
    }
}

extension RunOutcome {
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .completed(let result):
            writer.member("outcome", "completed")
            writer.member("result", result)
        case .failed(let failure):
            writer.member("outcome", "failed")
            writer.member("code", failure.code.rawValue)
            writer.member("message", failure.message)
            writer.member("details", failure.details)
        case .cancelled(let reason):
            writer.member("outcome", "cancelled")
            writer.member("reason", reason)
        }
    }
}

extension RunResult: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("session", session)
            writer.member("run", run)
            writer.member("text", text)
            writer.member("turns", turns)
            writer.member("tool_calls", toolCalls)
            writer.member("usage", usage)
            writer.member("cost_usd", cost)
            if !modelCalls.isEmpty { writer.member("model_calls", modelCalls) }
            writer.member("stop_reason", stopReason)
            writer.member("provider", provider)
            writer.member("model", model)
            writer.member("endpoint", endpoint)
            writer.member("structured_output", structuredOutput)
            if !schemaWarnings.isEmpty { writer.member("schema_warnings", schemaWarnings) }
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var structuredOutput: RawJSON?
        var schemaWarnings: [SchemaWarning] = []
        var session: SessionID?
        var run: RunID?
        var text = ""
        var turns = 0
        var toolCalls = 0
        var usage = Usage()
        var cost: USDollars?
        var modelCalls: [ModelCallRecord] = []
        var stopReason: String?
        var provider = ""
        var model = ""
        var endpoint = ""
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "session": session = try reader.read()
            case "run": run = try reader.read()
            case "text": text = try reader.readString()
            case "turns": turns = try reader.readCount()
            case "tool_calls": toolCalls = try reader.readCount()
            case "usage": usage = try reader.read()
            case "cost_usd": cost = try reader.readOptional()
            case "model_calls": modelCalls = try reader.read()
            case "stop_reason": stopReason = try reader.readOptional()
            case "provider": provider = try reader.readString()
            case "model": model = try reader.readString()
            case "endpoint": endpoint = try reader.readString()
            case "structured_output": structuredOutput = try reader.readRaw()
            case "schema_warnings": schemaWarnings = try reader.read()
            default: break
            }
        }
        self.init(
            session: try reader.require(session, "session"), run: try reader.require(run, "run"), text: text,
            turns: turns, toolCalls: toolCalls, usage: usage, stopReason: stopReason, provider: provider, model: model,
            endpoint: endpoint)
        self.cost = cost
        self.modelCalls = modelCalls
        self.structuredOutput = structuredOutput
        self.schemaWarnings = schemaWarnings
    }
}
