public import MeerkatJSON

/// One step of a session.
///
/// A session is its entries in order; everything else is derived from them.
public struct Entry: Sendable, Hashable {
    /// The version that this binary writes, and the highest that it reads.
    public static let currentVersion = 1

    /// Position in the session, from 1 without gaps.
    public var seq: Int
    public var at: Timestamp
    public var run: RunID?
    public var kind: Kind

    public init(seq: Int, at: Timestamp, run: RunID?, kind: Kind) {
        self.seq = seq
        self.at = at
        self.run = run
        self.kind = kind
    }

    public enum Kind: Sendable, Hashable {
        case sessionCreated(SessionOptions, origin: SessionOrigin?)
        /// The instructions and tool definitions that are sent from now on.
        case contextSet(instructions: String, tools: [ToolDefinition])
        /// `overrides` are the options that this run has otherwise than its session.
        case runStarted(prompt: [Block], overrides: SessionOptions?)
        /// A run that was cut off goes on.
        case runResumed
        /// Input from a source other than the prompt, a ``MessageOrigin`` of this or another version.
        case messageAdded(origin: String, blocks: [Block])
        case modelCalled(ModelCall)
        case modelFailed(call: Int, attempt: Int, cause: String, usage: Usage?, spent: Spending? = nil)
        case modelAnswered(
            call: Int, blocks: [Block], stopReason: StopReason, usage: Usage?, spent: Spending? = nil)
        case toolStarted(toolUseID: String, name: String, arguments: RawJSON, effect: ToolEffect)
        /// A process that works for a call, before it is let go.
        case processStarted(toolUseID: String, ToolProcess)
        case toolFinished(ToolResult)
        /// What was said before `keptFrom` is from now on told to models by a summary.
        case compacted(Compaction)
        case runFinished(RunOutcome)
        case archived
    }
}

/// Where a session comes from that did not begin empty.
public enum SessionOrigin: Sendable, Hashable {
    /// It continues a copy of the entries up to `seq` of another session.
    case forked(SessionID, seq: Int)
}

/// A conversation told by a summary up to a point.
public struct Compaction: Sendable, Hashable {
    /// Takes the place of everything before ``keptFrom``.
    public var summary: [Block]
    /// The first entry whose message is kept; it never parts a call from its result.
    public var keptFrom: Int
    /// The tokens of the call that made the summary.
    public var usage: Usage?
    /// What that call cost.
    public var spent: Spending?
    /// What entries before ``keptFrom`` have told besides messages, so that they need not be read again.
    public var totals: SessionTotals?

    public init(
        summary: [Block], keptFrom: Int, usage: Usage?, spent: Spending? = nil, totals: SessionTotals? = nil
    ) {
        self.summary = summary
        self.keptFrom = keptFrom
        self.usage = usage
        self.spent = spent
        self.totals = totals
    }
}

/// What a session's entries amount to, apart from its history.
public struct SessionTotals: Sendable, Hashable {
    public var usage = Usage()
    public var spending = Spending.zero
    public var messageCount = 0
    /// Tool calls of the session, refused ones included.
    public var toolCallCount = 0
    public var lastText: String?
    /// The entry that set the instructions and tools; 0 before the first run.
    public var contextSeq = 0
    /// The run that has started and not ended.
    public var openRun: OpenRun?
    /// The last processes that worked for tool calls, some of which may still be there.
    public var processes: [ToolProcess] = []
    /// Knows the model call that has not come to anything yet.
    var recorder = ModelCallRecorder()

    public init() {}

    /// Adds what a model call has used; other entries change nothing.
    public mutating func account(_ entry: Entry.Kind) {
        guard let closed = recorder.take(entry) else { return }
        if let usage = closed.usage { self.usage += usage }
        spending += closed.spent
        if let record = closed.record { openRun?.modelCalls.append(record) }
    }
}

/// A request to a model, written before it leaves.
public struct ModelCall: Sendable, Hashable {
    /// What the answer is for.
    public enum Purpose: String, Sendable, Hashable {
        case turn
        /// The final answer in the schema that was asked for.
        case extraction
        /// A summary of the conversation; no message of it.
        case compaction
    }

    /// Counts the calls of the run from 0.
    public var call: Int
    public var purpose: Purpose
    /// From 1; more than 1 repeats a failed call.
    public var attempt: Int
    public var provider: String
    public var model: String
    public var endpoint: String
    /// The most that it can cost; known where a limit asks for it.
    public var bound: USDollars?

    public init(
        call: Int, purpose: Purpose, attempt: Int, provider: String, model: String, endpoint: String,
        bound: USDollars? = nil
    ) {
        self.bound = bound
        self.call = call
        self.purpose = purpose
        self.attempt = attempt
        self.provider = provider
        self.model = model
        self.endpoint = endpoint
    }
}

/// How a run ended, as its response said it.
public enum RunOutcome: Sendable, Hashable {
    case completed(RunResult)
    case failed(RecordedFailure)
    /// `reason` is `cancelled` or `interrupted`.
    case cancelled(reason: String)
}

/// What a run came to.
public struct RunResult: Sendable, Hashable {
    public var session: SessionID
    public var run: RunID
    /// The text of the last answer.
    public var text: String
    /// Model calls of this run.
    public var turns: Int
    /// Tool calls of this run, refused ones included.
    public var toolCalls: Int
    /// The session's total.
    public var usage: Usage
    /// The session's total; nil when the price of some call is unknown.
    public var cost: USDollars?
    /// The model calls of this run, failed attempts included, in their order.
    public var modelCalls: [ModelCallRecord] = []
    /// Why the run ended, when it is not that the model was done.
    public var stopReason: String?
    public var provider: String
    public var model: String
    public var endpoint: String
    /// The final answer as it was checked against the schema that was asked for.
    public var structuredOutput: RawJSON?
    public var schemaWarnings: [SchemaWarning] = []

    public init(
        session: SessionID, run: RunID, text: String, turns: Int, toolCalls: Int, usage: Usage,
        cost: USDollars? = nil, modelCalls: [ModelCallRecord] = [], stopReason: String? = nil, provider: String,
        model: String, endpoint: String
    ) {
        self.cost = cost
        self.modelCalls = modelCalls
        self.session = session
        self.run = run
        self.text = text
        self.turns = turns
        self.toolCalls = toolCalls
        self.usage = usage
        self.stopReason = stopReason
        self.provider = provider
        self.model = model
        self.endpoint = endpoint
    }
}

/// An error as it was answered, kept so that it can be answered again.
public struct RecordedFailure: Sendable, Hashable {
    public var code: ErrorCode
    public var message: String
    public var details: JSONObject

    public init(code: ErrorCode, message: String, details: JSONObject = JSONObject()) {
        self.code = code
        self.message = message
        self.details = details
    }
}
