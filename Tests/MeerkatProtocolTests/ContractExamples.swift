import MeerkatCore
import MeerkatJSON
import MeerkatProtocol

/// One example of everything that crosses the wire.
enum ContractExamples {
    static let session = SessionID(UniqueID(high: 0x0193_6F8A_7B2C_7000, low: 0x8000_0000_0000_0001))
    static let run = RunID(UniqueID(high: 0x5F0D_4A3E_8F3B_4C58, low: 0x9F4E_2D0F_6D1C_7A11))
    private static let usage = Usage(inputTokens: 50, outputTokens: 4)
    private static let cost = USDollars(picodollars: 210_000_000)
    private static let updated = Timestamp(milliseconds: 1_770_836_709_250)

    static let events: [Event] = [
        .runStarted(
            RunStarted(
                sessionID: session, prompt: "What is the capital of France?", provider: "anthropic",
                model: "claude-sonnet-4-5", endpoint: "api.anthropic.com")),
        .runCompleted(RunCompleted(sessionID: session, result: "Paris.", usage: usage, cost: cost)),
        .runFailed(RunFailed(sessionID: session, error: "the run was cancelled")),
        .turnStarted(TurnStarted(turnNumber: 0)),
        .textDelta(TextDelta(delta: "Paris")),
        .textComplete(TextComplete(content: "Paris.")),
        .reasoningDelta(ReasoningDelta(delta: "The question is about ")),
        .reasoningComplete(ReasoningComplete(content: "The question is about geography.")),
        .toolCallRequested(ToolCallRequested(id: "toolu_01", name: "datetime", args: .emptyObject)),
        .toolExecutionStarted(ToolExecutionStarted(id: "toolu_01", name: "datetime")),
        .toolExecutionTimedOut(ToolExecutionTimedOut(id: "toolu_01", name: "datetime", timeoutMs: 600_000)),
        .toolExecutionCompleted(
            ToolExecutionCompleted(
                id: "toolu_01", name: "datetime", result: #"{"error":"tool_not_found","message":"datetime"}"#,
                isError: true, durationMs: 0)),
        .toolResultReceived(ToolResultReceived(id: "toolu_01", name: "datetime", isError: true)),
        .turnCompleted(TurnCompleted(stopReason: .endTurn, usage: usage)),
        .retrying(
            Retrying(
                attempt: 1, maxAttempts: 4, error: "the stream ended before the answer was complete", delayMs: 500,
                discardText: true)),
        .modelFallback(
            ModelFallback(
                fromProvider: "anthropic", fromModel: "claude-sonnet-4-5", provider: "openai", model: "gpt-4.1",
                endpoint: "api.openai.com", error: "HTTP 529: overloaded", discardText: false)),
        .budgetWarning(BudgetWarning(budgetType: .tokens, used: 900, limit: 1000)),
        .compactionStarted(
            CompactionStarted(inputTokens: 101_200, estimatedHistoryTokens: 99_800, messageCount: 42)),
        .compactionCompleted(CompactionCompleted(summaryTokens: 310, messagesBefore: 42, messagesAfter: 9)),
        .compactionFailed(CompactionFailed(error: "the model gave no summary")),
    ]

    struct Method: Sendable {
        var name: String
        var params: String
        var result: [UInt8]?
        /// Reads the parameters with the method's own type.
        var decode: @Sendable ([UInt8]) throws -> Void
    }

    private static func method<M: RPCMethod>(_ method: M.Type, _ params: String, _ result: M.Result?) -> Method {
        Method(name: M.name, params: params, result: result?.jsonBytes) { _ = try M.Params(json: $0) }
    }

    private static let about = #"{"session_id":"\#(session)"}"#
    private static let runResult = WireRunResult(
        RunResult(
            session: session, run: run, text: "Paris.", turns: 1, toolCalls: 0, usage: usage, cost: cost,
            modelCalls: [
                ModelCallRecord(
                    call: ModelCall(
                        call: 0, purpose: .turn, attempt: 1, provider: "anthropic", model: "claude-sonnet-4-5",
                        endpoint: "api.anthropic.com"), usage: nil, cost: .zero, failure: "overloaded"),
                ModelCallRecord(
                    call: ModelCall(
                        call: 0, purpose: .turn, attempt: 2, provider: "anthropic", model: "claude-sonnet-4-5",
                        endpoint: "api.anthropic.com"), usage: usage, cost: cost),
            ], provider: "anthropic", model: "claude-sonnet-4-5", endpoint: "api.anthropic.com"))
    private static let snapshot = SessionSnapshot(
        summary: SessionSummary(
            id: session, createdAt: Timestamp(milliseconds: 1_770_836_700_000), updatedAt: updated, messageCount: 2,
            usage: usage, spending: Spending(cost: cost, bound: cost), lastText: "Paris.", isArchived: false,
            openRun: nil),
        state: .idle, isOpen: true)
    private static let page = HistoryPage(
        messages: [
            HistoryMessage(seq: 3, at: updated, run: run, content: .user([.text("What is the capital of France?")])),
            HistoryMessage(seq: 5, at: updated, run: run, content: .answer([.text("Paris.")], stopReason: .endTurn)),
        ], nextCursor: 5)

    static let methods: [Method] = [
        method(
            Initialize.self, #"{"client":{"name":"meerkat-sdk","version":"0.1.0","discard_text":true}}"#,
            Initialize.Result(methods: [
                "initialize", "initialized", "session/create", "session/list", "session/read", "session/archive",
                "turn/start", "turn/interrupt", "config/get", "config/set", "config/patch", "capabilities/get",
                "session/history", "session/delete", "turn/resume", "session/fork", "session/compact", "models/list",
            ])),
        Method(name: "initialized", params: "{}", result: nil) { _ in },
        method(
            SessionCreate.self,
            #"{"prompt":"What is the capital of France?","model":"claude-sonnet-4-5","run_id":"\#(run)"}"#,
            .ran(runResult)),
        method(SessionList.self, "{}", SessionList.Result(sessions: [WireSession(snapshot, includesText: false)])),
        method(SessionRead.self, about, WireSession(snapshot, includesText: true)),
        method(SessionArchive.self, about, Flag("archived")),
        method(
            TurnStart.self, #"{"session_id":"\#(session)","prompt":"And of Peru?","run_id":"\#(run)"}"#, runResult),
        method(
            TurnInterrupt.self, #"{"session_id":"\#(session)","run_id":"\#(run)"}"#,
            TurnInterrupt.Result(isInterrupted: true)),
        method(ConfigGet.self, "{}", Configuration().shown),
        method(ConfigSet.self, #"{"agent":{"model":"claude-sonnet-4-5"},"max_tokens":4096}"#, Flag("ok")),
        method(ConfigPatch.self, #"{"retry":{"max_retries":3}}"#, Configuration().shown),
        method(CapabilitiesGet.self, "{}", Capabilities()),
        method(
            SessionHistory.self, #"{"session_id":"\#(session)","limit":2}"#,
            SessionHistory.Result(session: session, page: page)),
        method(SessionDelete.self, about, Flag("deleted")),
        method(TurnResume.self, #"{"session_id":"\#(session)","run_id":"\#(run)"}"#, runResult),
        method(
            SessionFork.self, #"{"session_id":"\#(session)","seq":5}"#, WireSession(snapshot, includesText: true)),
        method(
            SessionCompact.self, about,
            SessionCompact.Result(
                CompactionCompleted(summaryTokens: 310, messagesBefore: 42, messagesAfter: 9))),
        method(
            ModelsList.self, #"{"provider":"anthropic"}"#,
            ModelsList.Result([
                ListedModel(
                    provider: "anthropic", model: "claude-sonnet-4-5",
                    profile: ModelProfile(
                        contextWindow: 200_000, outputLimit: 64_000, acceptsImages: true, acceptsTemperature: true,
                        reasons: true, hasStructuredOutput: true,
                        price: ModelPrice(
                            ModelPrice.Rates(
                                input: USDollars(picodollars: 3_000_000), output: USDollars(picodollars: 15_000_000),
                                cacheRead: USDollars(picodollars: 300_000),
                                cacheWrite: USDollars(picodollars: 3_750_000)),
                            date: "2026-06")), isAvailable: true),
                ListedModel(provider: "groq", model: "other", profile: ModelProfile(), isAvailable: false),
            ])),
    ]
}
