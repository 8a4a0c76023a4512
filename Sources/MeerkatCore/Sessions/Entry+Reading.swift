public import MeerkatJSON

/// An entry that this binary cannot interpret: a newer version or an unknown kind.
///
/// The session is read-only then.
public struct UnreadableEntry: Error, Sendable, Hashable {
    public var seq: Int
    public var version: Int
    public var kind: String

    public init(seq: Int, version: Int, kind: String) {
        self.seq = seq
        self.version = version
        self.kind = kind
    }
}

extension Entry {
    /// What a stored entry turned out to be.
    public enum Stored: Sendable, Hashable {
        case entry(Entry)
        case unreadable(UnreadableEntry)

        public var seq: Int {
            switch self {
            case .entry(let entry): entry.seq
            case .unreadable(let entry): entry.seq
            }
        }
    }

    /// Reads a stored entry.
    ///
    /// Unknown members are ignored; they stay in the stored bytes, which are never rewritten.
    ///
    /// - Throws: ``JSONError`` when the bytes are damaged.
    public static func read(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Stored {
        try JSONReader.read(bytes) { (reader) throws(JSONError) in
            var members = Members()
            try reader.readObject { (reader, key) throws(JSONError) in try members.read(key, from: &reader) }
            let version = try reader.require(members.version, "v")
            let seq = try reader.require(members.seq, "seq")
            let name = try reader.require(members.kind, "kind")
            guard version <= currentVersion, let kind = try members.entryKind(name, at: reader.position) else {
                return .unreadable(UnreadableEntry(seq: seq, version: version, kind: name))
            }
            return .entry(Entry(seq: seq, at: try reader.require(members.at, "at"), run: members.run, kind: kind))
        }
    }

    /// The members of all kinds; names mean the same in each.
    private struct Members {
        var seq: Int?
        var at: Timestamp?
        var version: Int?
        var run: RunID?
        var kind: String?
        var options = SessionOptions()
        var overrides: SessionOptions?
        var forkedFrom: SessionID?
        var forkedAt = 0
        var purpose = ModelCall.Purpose.turn
        var process: ToolProcess?
        var totals: SessionTotals?
        var summary: [Block] = []
        var keptFrom = 0
        var instructions = ""
        var tools: [ToolDefinition] = []
        var blocks: [Block] = []
        var origin = ""
        var call = 0
        var attempt = 1
        var provider = ""
        var model = ""
        var endpoint = ""
        var cause = ""
        var usage: Usage?
        var spent: Spending?
        var bound: USDollars?
        var stopReason: StopReason?
        var toolUseID: String?
        var name = ""
        var arguments: RawJSON?
        var effect = ToolEffect.once
        var content: [Block] = []
        var isError = false
        var outcome = ""
        var result: RunResult?
        var code: ErrorCode?
        var message = ""
        var details = JSONObject()
        var reason = ""

        mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) {
            guard isReadable || ["seq", "at", "v", "run", "kind"].contains(key.string) else { return }
            switch key {
            case "seq": seq = try reader.readCount()
            case "at": at = try reader.read()
            case "v": version = try reader.readInteger()
            case "run": run = try reader.readOptional()
            case "kind": kind = try reader.readString()
            case "options": options = try reader.read()
            case "instructions": instructions = try reader.readString()
            case "tools": tools = try reader.read()
            case "prompt", "blocks": blocks = try reader.read()
            case "origin": origin = try reader.readString()
            case "call": call = try reader.readCount()
            case "attempt": attempt = try reader.readCount()
            case "provider": provider = try reader.readString()
            case "model": model = try reader.readString()
            case "endpoint": endpoint = try reader.readString()
            case "overrides": overrides = try reader.read()
            case "forked_from": forkedFrom = try reader.read()
            case "forked_at": forkedAt = try reader.readCount()
            case "purpose": purpose = ModelCall.Purpose(rawValue: try reader.readString()) ?? .turn
            case "process": process = try reader.read()
            case "totals": totals = try reader.read()
            case "summary": summary = try reader.read()
            case "kept_from": keptFrom = try reader.readCount()
            case "cause": cause = try reader.readString()
            case "usage": usage = try reader.readOptional()
            case "spent": spent = try reader.readOptional()
            case "bound_usd": bound = try reader.readOptional()
            case "stop_reason": stopReason = try reader.read()
            case "tool_use_id": toolUseID = try reader.readString()
            case "name": name = try reader.readString()
            case "arguments": arguments = try reader.readRaw()
            case "effect": effect = ToolEffect(rawValue: try reader.readString()) ?? .once
            case "content": content = try reader.read()
            case "is_error": isError = try reader.readBool()
            case "outcome": outcome = try reader.readString()
            case "result": result = try reader.read()
            case "code": code = ErrorCode(rawValue: try reader.readString())
            case "message": message = try reader.readString()
            case "details": details = try reader.read()
            case "reason": reason = try reader.readString()
            default: break
            }
        }

        /// False once the entry is known to be from a newer binary, whose members may have other shapes.
        private var isReadable: Bool {
            (version ?? 0) <= Entry.currentVersion && kind.map(Self.kinds.contains) ?? true
        }

        private static let kinds: Set<String> = [
            "session_created", "context_set", "run_started", "run_resumed", "message_added", "model_called",
            "model_failed",
            "model_answered", "tool_started", "process_started", "tool_finished", "compacted", "run_finished",
            "archived",
        ]

        func entryKind(_ kind: String, at offset: Int) throws(JSONError) -> Entry.Kind? {
            switch kind {
            case "session_created":
                return .sessionCreated(options, origin: forkedFrom.map { .forked($0, seq: forkedAt) })
            case "context_set": return .contextSet(instructions: instructions, tools: tools)
            case "run_started": return .runStarted(prompt: blocks, overrides: overrides)
            case "run_resumed": return .runResumed
            case "message_added": return .messageAdded(origin: origin, blocks: blocks)
            case "model_called":
                return .modelCalled(
                    ModelCall(
                        call: call, purpose: purpose, attempt: attempt, provider: provider, model: model,
                        endpoint: endpoint, bound: bound))
            case "model_failed":
                return .modelFailed(call: call, attempt: attempt, cause: cause, usage: usage, spent: spent)
            case "model_answered":
                return .modelAnswered(
                    call: call, blocks: blocks, stopReason: stopReason ?? .endTurn, usage: usage, spent: spent)
            case "tool_started":
                return .toolStarted(
                    toolUseID: try required(toolUseID, "tool_use_id", offset), name: name,
                    arguments: arguments ?? .emptyObject, effect: effect)
            case "process_started":
                return .processStarted(
                    toolUseID: try required(toolUseID, "tool_use_id", offset),
                    try required(process, "process", offset))
            case "compacted":
                return .compacted(
                    Compaction(summary: summary, keptFrom: keptFrom, usage: usage, spent: spent, totals: totals))
            case "tool_finished":
                return .toolFinished(
                    ToolResult(
                        toolUseID: try required(toolUseID, "tool_use_id", offset), name: name, content: content,
                        isError: isError, origin: try required(ToolResult.Origin(text: origin), "origin", offset)))
            case "run_finished": return .runFinished(try runOutcome(offset))
            case "archived": return .archived
            default: return nil
            }
        }

        private func runOutcome(_ offset: Int) throws(JSONError) -> RunOutcome {
            switch outcome {
            case "completed": .completed(try required(result, "result", offset))
            case "failed":
                .failed(RecordedFailure(code: try required(code, "code", offset), message: message, details: details))
            case "cancelled": .cancelled(reason: reason)
            default: throw JSONError(.invalidValue("unknown outcome \"\(outcome)\""), offset: offset)
            }
        }

        private func required<T>(_ value: T?, _ name: String, _ offset: Int) throws(JSONError) -> T {
            guard let value else { throw JSONError(.missingMember(name), offset: offset) }
            return value
        }
    }
}

extension JSONReader {
    /// Reads a number of things, or the place of one, so small that adding to it never overflows.
    mutating func readCount() throws(JSONError) -> Int {
        let start = position
        let count: Int = try readInteger()
        guard (0...Int(UInt32.max)).contains(count) else { throw JSONError(.numberOutOfRange, offset: start) }
        return count
    }
}
