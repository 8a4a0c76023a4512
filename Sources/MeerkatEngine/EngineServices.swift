public import MeerkatCore
public import MeerkatJSON

/// What the engine is given by the composition root: adapters, and questions that only configuration can answer.
public struct EngineServices: Sendable {
    public var store: any SessionStore
    public var clock: any RuntimeClock
    public var ids: any IDGenerator
    public var log: Log
    /// The tools of a session, made anew for each open one.
    public var tools: @Sendable (ToolScope) -> SessionTools
    /// Where the tasks of runs go; nil for ``RuntimeExecutor``'s choice.
    public var executor: (any TaskExecutor)?
    /// Where long reads of the store go; nil leaves them on the thread that asks.
    public var readers: @Sendable () -> (any TaskExecutor)?
    /// Whether a process that worked for a tool call has certainly ended.
    public var hasEnded: @Sendable (ToolProcess) -> Bool
    /// Ends a process that a dead rkat has left, with all that it has started, if it is certain to be that process.
    public var endProcess: @Sendable (ToolProcess) -> Void
    /// Removes what tools have kept for a session that is deleted.
    public var removeFiles: @Sendable (SessionID) -> Void
    /// The settings for a run that begins now.
    public var settings: @Sendable () -> RunSettings
    /// Fills in what the options leave open, so that the session keeps it for its life.
    public var resolve: @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions
    /// Checks what one turn has otherwise and fills in what follows from it, such as the provider of a model.
    public var resolveOverrides: @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions
    /// The provider and the request settings for a session.
    public var model: @Sendable (SessionOptions) async throws(SessionError) -> ResolvedModel
    /// The models that can be named, of all providers or of one.
    public var models: @Sendable (String?) async throws(SessionError) -> [ListedModel]
    /// The instructions that a new session is given.
    public var instructions: @Sendable (SessionOptions) -> String

    public init(
        store: any SessionStore, clock: any RuntimeClock, ids: any IDGenerator, log: Log = .none,
        tools: @escaping @Sendable (ToolScope) -> SessionTools = { _ in SessionTools() },
        executor: (any TaskExecutor)? = nil, readers: @escaping @Sendable () -> (any TaskExecutor)? = { nil },
        hasEnded: @escaping @Sendable (ToolProcess) -> Bool = { _ in true },
        endProcess: @escaping @Sendable (ToolProcess) -> Void = { _ in },
        removeFiles: @escaping @Sendable (SessionID) -> Void = { _ in },
        settings: @escaping @Sendable () -> RunSettings,
        resolve: @escaping @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions,
        resolveOverrides: @escaping @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions,
        model: @escaping @Sendable (SessionOptions) async throws(SessionError) -> ResolvedModel,
        models: @escaping @Sendable (String?) async throws(SessionError) -> [ListedModel],
        instructions: @escaping @Sendable (SessionOptions) -> String
    ) {
        self.models = models
        self.store = store
        self.clock = clock
        self.ids = ids
        self.log = log
        self.tools = tools
        self.executor = executor
        self.readers = readers
        self.hasEnded = hasEnded
        self.endProcess = endProcess
        self.removeFiles = removeFiles
        self.settings = settings
        self.resolve = resolve
        self.resolveOverrides = resolveOverrides
        self.model = model
        self.instructions = instructions
    }
}

extension EngineServices {
    var taskExecutor: (any TaskExecutor)? { executor ?? RuntimeExecutor.preferred }

    /// Reads as much as a whole session without holding up the tasks of others.
    func reading<T: Sendable>(
        _ body: @Sendable (any SessionStore) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        guard let readers = readers() else { return try body(store) }
        return try await withTaskExecutorPreference(readers) { () async throws(StoreError) in
            try await Self.onPreferredThread(store, body)
        }
    }

    /// Continued on the executor that the task prefers.
    @concurrent
    private static func onPreferredThread<T: Sendable>(
        _ store: any SessionStore, _ body: @Sendable (any SessionStore) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        try body(store)
    }
}

/// A provider and what is asked of it.
public struct ResolvedModel: Sendable {
    public var provider: any ModelProvider
    public var model: String
    /// What is known of the model; without a price where the settings below change it.
    public var profile: ModelProfile
    /// Bounds the calls of the provider that go on at a time, over all sessions.
    public var gate: AsyncSemaphore?
    public var maxTokens: Int
    public var temperature: Double?
    public var parameters: JSONObject

    public init(
        provider: any ModelProvider, model: String, profile: ModelProfile = ModelProfile(), gate: AsyncSemaphore? = nil,
        maxTokens: Int, temperature: Double? = nil, parameters: JSONObject = JSONObject()
    ) {
        self.provider = provider
        self.model = model
        self.profile = profile
        self.gate = gate
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.parameters = parameters
    }
}

extension ResolvedModel {
    /// The pictures that the model can be shown.
    var imageTypes: Set<Image.MediaType> { profile.acceptsImages == false ? [] : provider.imageTypes }
}

/// What bounds a run.
public struct RunSettings: Sendable, Hashable {
    /// Most model calls of one run.
    public var maxTurns = Configuration.Agent.defaultMaxTurns
    public var retry = RetryPlan()
    /// Longest wait for the first sign of an answer.
    public var firstTokenTimeout = Duration.seconds(600)
    /// Longest silence within an answer.
    public var idleTimeout = Duration.seconds(300)
    public var maxOpenSessions = 10_000
    /// Memory for the histories of idle sessions, in bytes.
    public var maxLoadedBytes = 256 << 20
    /// How large one answer of a model may be.
    public var answerLimits = AnswerLimits()
    public var tools = ToolSettings()
    /// The part of a limit at which a warning is given.
    public var budgetWarningThreshold = 0.8
    public var compaction = CompactionSettings()

    public init() {}
}

/// How tool calls are run.
public struct ToolSettings: Sendable, Hashable {
    /// Longest duration of a call, waiting for its turn included.
    public var defaultTimeout = Duration.seconds(600)
    /// The same by the name of the tool.
    public var timeouts: [String: Duration] = [:]
    /// Most calls of one answer that run at the same time.
    public var maxConcurrent = 10
    /// The same call with the same result so often in a row is broken off.
    public var maxRepeats = 5

    public init() {}

    /// The limit for a tool; one that limits itself has at least the usual time for it.
    func timeout(of tool: any Tool, named name: String) -> Duration {
        timeouts[name] ?? (tool.limitsItself ? max(defaultTimeout, .seconds(600)) : defaultTimeout)
    }
}

/// When and how a conversation is summarized.
public struct CompactionSettings: Sendable, Hashable {
    static let defaultThreshold = 100_000

    /// A conversation of so many tokens is summarized; nil never does it by itself.
    public var threshold: Int? = Self.defaultThreshold
    /// Prompts that are kept word for word, with everything behind the first of them.
    public var recentTurns = 4
    public var maxSummaryTokens = 4096
    /// Answers between two summaries, or between an attempt that failed and the next.
    public var minTurnsBetween = 3

    public init() {}
}
