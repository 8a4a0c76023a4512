public import MeerkatJSON

/// Something that happened in a run, as a client sees it.
public enum Event: Sendable, Hashable {
    case runStarted(RunStarted)
    case runCompleted(RunCompleted)
    case runFailed(RunFailed)
    case turnStarted(TurnStarted)
    case textDelta(TextDelta)
    case textComplete(TextComplete)
    case reasoningDelta(ReasoningDelta)
    case reasoningComplete(ReasoningComplete)
    case toolCallRequested(ToolCallRequested)
    case toolExecutionStarted(ToolExecutionStarted)
    case toolExecutionTimedOut(ToolExecutionTimedOut)
    case toolExecutionCompleted(ToolExecutionCompleted)
    case toolResultReceived(ToolResultReceived)
    case turnCompleted(TurnCompleted)
    case retrying(Retrying)
    case modelFallback(ModelFallback)
    case budgetWarning(BudgetWarning)
    case compactionStarted(CompactionStarted)
    case compactionCompleted(CompactionCompleted)
    case compactionFailed(CompactionFailed)
}

/// The first event of a run.
public struct RunStarted: Sendable, Hashable {
    public var sessionID: SessionID
    public var prompt: String
    /// Who answers: the provider's name, the model and the endpoint's host.
    public var provider: String
    public var model: String
    public var endpoint: String
    /// The run was cut off earlier and goes on where it stood.
    public var isResumed: Bool

    public init(
        sessionID: SessionID, prompt: String, provider: String, model: String, endpoint: String,
        isResumed: Bool = false
    ) {
        self.isResumed = isResumed
        self.sessionID = sessionID
        self.prompt = prompt
        self.provider = provider
        self.model = model
        self.endpoint = endpoint
    }
}

/// The last event of a run that ended with a result.
public struct RunCompleted: Sendable, Hashable {
    public var sessionID: SessionID
    public var result: String
    /// The session's total, not the run's.
    public var usage: Usage
    /// The session's total; nil when the price of some call is unknown.
    public var cost: USDollars?

    public init(sessionID: SessionID, result: String, usage: Usage, cost: USDollars? = nil) {
        self.cost = cost
        self.sessionID = sessionID
        self.result = result
        self.usage = usage
    }
}

/// The last event of a run that ended without a result.
public struct RunFailed: Sendable, Hashable {
    public var sessionID: SessionID
    public var error: String

    public init(sessionID: SessionID, error: String) {
        self.sessionID = sessionID
        self.error = error
    }
}

/// A model call begins.
public struct TurnStarted: Sendable, Hashable {
    /// Counts from 0 in every run.
    public var turnNumber: Int

    public init(turnNumber: Int) {
        self.turnNumber = turnNumber
    }
}

/// A piece of the answer's text; at most 32 KiB of UTF-8, cut between characters.
public struct TextDelta: Sendable, Hashable {
    public var delta: String

    public init(delta: String) {
        self.delta = delta
    }
}

/// The whole text of one model call; only when it is not empty.
public struct TextComplete: Sendable, Hashable {
    public var content: String

    public init(content: String) {
        self.content = content
    }
}

/// A piece of what the model thinks.
public struct ReasoningDelta: Sendable, Hashable {
    public var delta: String

    public init(delta: String) {
        self.delta = delta
    }
}

/// One finished block of thinking.
public struct ReasoningComplete: Sendable, Hashable {
    public var content: String

    public init(content: String) {
        self.content = content
    }
}

/// The model asks for a tool.
public struct ToolCallRequested: Sendable, Hashable {
    public var id: String
    public var name: String
    /// The arguments as the model wrote them; a string when they are not valid JSON.
    public var args: RawJSON

    public init(id: String, name: String, args: RawJSON) {
        self.id = id
        self.name = name
        self.args = args
    }
}

/// A tool call begins to run.
public struct ToolExecutionStarted: Sendable, Hashable {
    public var id: String
    public var name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// A tool call exceeded its time limit and was ended.
///
/// Always followed by `tool_execution_completed` for the same call.
public struct ToolExecutionTimedOut: Sendable, Hashable {
    public var id: String
    public var name: String
    /// The limit that was exceeded, in milliseconds; waiting for its turn counts.
    public var timeoutMs: Int

    public init(id: String, name: String, timeoutMs: Int) {
        self.id = id
        self.name = name
        self.timeoutMs = timeoutMs
    }
}

/// A tool call has its result.
public struct ToolExecutionCompleted: Sendable, Hashable {
    public var id: String
    public var name: String
    public var result: String
    public var isError: Bool
    public var durationMs: Int

    public init(id: String, name: String, result: String, isError: Bool, durationMs: Int) {
        self.id = id
        self.name = name
        self.result = result
        self.isError = isError
        self.durationMs = durationMs
    }
}

/// The result of a tool call has become part of the conversation.
public struct ToolResultReceived: Sendable, Hashable {
    public var id: String
    public var name: String
    public var isError: Bool

    public init(id: String, name: String, isError: Bool) {
        self.id = id
        self.name = name
        self.isError = isError
    }
}

/// A model call has ended and its answer is part of the conversation.
public struct TurnCompleted: Sendable, Hashable {
    public var stopReason: StopReason
    /// The tokens of this call only.
    public var usage: Usage

    public init(stopReason: StopReason, usage: Usage) {
        self.stopReason = stopReason
        self.usage = usage
    }
}

/// A model call failed and is made again after a delay.
public struct Retrying: Sendable, Hashable {
    /// The attempt that failed, from 1.
    public var attempt: Int
    public var maxAttempts: Int
    public var error: String
    public var delayMs: Int
    /// The text and reasoning streamed since the last `turn_started` are void.
    public var discardText: Bool

    public init(attempt: Int, maxAttempts: Int, error: String, delayMs: Int, discardText: Bool) {
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.error = error
        self.delayMs = delayMs
        self.discardText = discardText
    }
}

/// A model call failed for good and is made of another model, which the rest of the run stays with.
public struct ModelFallback: Sendable, Hashable {
    public var fromProvider: String
    public var fromModel: String
    /// Who answers from now on.
    public var provider: String
    public var model: String
    public var endpoint: String
    /// Why the call failed.
    public var error: String
    /// The text and reasoning streamed since the last `turn_started` are void.
    public var discardText: Bool

    public init(
        fromProvider: String, fromModel: String, provider: String, model: String, endpoint: String, error: String,
        discardText: Bool
    ) {
        self.fromProvider = fromProvider
        self.fromModel = fromModel
        self.provider = provider
        self.model = model
        self.endpoint = endpoint
        self.error = error
        self.discardText = discardText
    }
}

/// A good part of a limit, or all of it, is used.
public struct BudgetWarning: Sendable, Hashable {
    public enum BudgetType: String, Sendable, Hashable {
        case tokens, time
        case toolCalls = "tool_calls"
        case cost
    }

    public var budgetType: BudgetType
    /// Tokens, milliseconds, calls or millionths of a dollar.
    public var used: Int
    public var limit: Int

    public init(budgetType: BudgetType, used: Int, limit: Int) {
        self.budgetType = budgetType
        self.used = used
        self.limit = limit
    }

    /// The used part of the limit; 1 is all of it.
    public var percent: Double { limit > 0 ? Double(used) / Double(limit) : 1 }
}

/// The conversation is being summarized.
public struct CompactionStarted: Sendable, Hashable {
    /// Input tokens of the last model call.
    public var inputTokens: Int
    public var estimatedHistoryTokens: Int
    public var messageCount: Int

    public init(inputTokens: Int, estimatedHistoryTokens: Int, messageCount: Int) {
        self.inputTokens = inputTokens
        self.estimatedHistoryTokens = estimatedHistoryTokens
        self.messageCount = messageCount
    }
}

/// A summary has taken the place of the older part of the conversation.
public struct CompactionCompleted: Sendable, Hashable {
    public var summaryTokens: Int
    /// Messages that models were shown before and are shown now.
    public var messagesBefore: Int
    public var messagesAfter: Int

    public init(summaryTokens: Int, messagesBefore: Int, messagesAfter: Int) {
        self.summaryTokens = summaryTokens
        self.messagesBefore = messagesBefore
        self.messagesAfter = messagesAfter
    }
}

/// The conversation could not be summarized; it goes on as it was.
public struct CompactionFailed: Sendable, Hashable {
    public var error: String

    public init(error: String) {
        self.error = error
    }
}
