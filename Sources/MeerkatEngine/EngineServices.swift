public import MeerkatCore
public import MeerkatJSON

/// What the engine is given by the composition root: adapters, and questions that only configuration can answer.
public struct EngineServices: Sendable {
    public var store: any SessionStore
    public var clock: any RuntimeClock
    public var ids: any IDGenerator
    public var log: Log
    /// The tools of every session, by name.
    public var tools: [String: any Tool]
    /// The settings for a run that begins now.
    public var settings: @Sendable () -> RunSettings
    /// Fills in what the options leave open, so that the session keeps it for its life.
    public var resolve: @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions
    /// The provider and the request settings for a session.
    public var model: @Sendable (SessionOptions) async throws(SessionError) -> ResolvedModel
    /// The instructions that a new session is given.
    public var instructions: @Sendable (SessionOptions) -> String

    public init(
        store: any SessionStore, clock: any RuntimeClock, ids: any IDGenerator, log: Log = .none,
        tools: [String: any Tool] = [:],
        settings: @escaping @Sendable () -> RunSettings,
        resolve: @escaping @Sendable (SessionOptions) async throws(SessionError) -> SessionOptions,
        model: @escaping @Sendable (SessionOptions) async throws(SessionError) -> ResolvedModel,
        instructions: @escaping @Sendable (SessionOptions) -> String
    ) {
        self.store = store
        self.clock = clock
        self.ids = ids
        self.log = log
        self.tools = tools
        self.settings = settings
        self.resolve = resolve
        self.model = model
        self.instructions = instructions
    }
}

/// A provider and what is asked of it.
public struct ResolvedModel: Sendable {
    public var provider: any ModelProvider
    public var model: String
    public var maxTokens: Int
    public var temperature: Double?
    public var parameters: JSONObject

    public init(
        provider: any ModelProvider, model: String, maxTokens: Int, temperature: Double? = nil,
        parameters: JSONObject = JSONObject()
    ) {
        self.provider = provider
        self.model = model
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.parameters = parameters
    }
}

/// What bounds a run.
public struct RunSettings: Sendable, Hashable {
    /// Most model calls of one run.
    public var maxTurns = 100
    public var retry = RetryPlan()
    /// Longest wait for the first sign of an answer.
    public var firstTokenTimeout = Duration.seconds(600)
    /// Longest silence within an answer.
    public var idleTimeout = Duration.seconds(300)
    public var maxOpenSessions = 10_000
    /// Memory for the histories of idle sessions, in bytes.
    public var maxLoadedBytes = 256 << 20

    public init() {}
}
