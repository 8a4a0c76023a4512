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
        case sessionCreated(SessionOptions)
        /// The instructions and tool definitions that are sent from now on.
        case contextSet(instructions: String, tools: [ToolDefinition])
        case runStarted(prompt: [Block])
        /// Input from a source other than the prompt.
        case messageAdded(origin: String, blocks: [Block])
        case modelCalled(ModelCall)
        case modelFailed(call: Int, attempt: Int, cause: String, usage: Usage?)
        case modelAnswered(call: Int, blocks: [Block], stopReason: StopReason, usage: Usage?)
        case toolStarted(toolUseID: String, name: String, arguments: RawJSON, effect: ToolEffect)
        case toolFinished(ToolResult)
        case runFinished(RunOutcome)
        case archived
    }
}

/// A request to a model, written before it leaves.
public struct ModelCall: Sendable, Hashable {
    /// Counts the calls of the run from 0.
    public var call: Int
    /// From 1; more than 1 repeats a failed call.
    public var attempt: Int
    public var provider: String
    public var model: String
    public var endpoint: String

    public init(call: Int, attempt: Int, provider: String, model: String, endpoint: String) {
        self.call = call
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
    /// Why the run ended, when it is not that the model was done.
    public var stopReason: String?
    public var provider: String
    public var model: String
    public var endpoint: String

    public init(
        session: SessionID, run: RunID, text: String, turns: Int, toolCalls: Int, usage: Usage,
        stopReason: String? = nil, provider: String, model: String, endpoint: String
    ) {
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
