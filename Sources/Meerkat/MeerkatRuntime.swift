public import MeerkatCore
internal import MeerkatEngine
internal import MeerkatIO
internal import MeerkatProviders
internal import MeerkatStorage

/// The agent runtime in process: configuration in, sessions out.
///
/// One runtime per process is usual; several may share a session database. Nothing is opened, searched or connected
/// before it is needed.
public final class MeerkatRuntime: AgentRuntime {
    /// What a runtime is made with.
    public struct Options: Sendable {
        /// Keys, base URLs and switches are read from here.
        public var environment: [String: String]
        public var workingDirectory: String
        /// Keep sessions in memory only.
        public var isEphemeral: Bool
        public var clock: any RuntimeClock
        public var ids: any IDGenerator
        /// Tools that every session has.
        public var tools: [any Tool]
        /// Answers every call instead of the configured providers.
        public var provider: (any ModelProvider)?
        /// Keeps the sessions instead of the configured place.
        public var store: (any SessionStore)?
        /// The settings, instead of those of the files.
        public var configuration: (any ConfigurationStore)?
        /// Takes notices for the person who runs the program, a line each.
        public var report: @Sendable (String) -> Void
        /// Takes traces.
        public var log: Log

        public init(
            environment: [String: String], workingDirectory: String, isEphemeral: Bool = false,
            clock: any RuntimeClock = SystemClock(), ids: any IDGenerator = RandomIDGenerator(),
            tools: [any Tool] = [], provider: (any ModelProvider)? = nil, store: (any SessionStore)? = nil,
            configuration: (any ConfigurationStore)? = nil, report: @escaping @Sendable (String) -> Void = { _ in },
            log: Log = .none
        ) {
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.isEphemeral = isEphemeral
            self.clock = clock
            self.ids = ids
            self.tools = tools
            self.provider = provider
            self.store = store
            self.configuration = configuration
            self.report = report
            self.log = log
        }

        /// The settings of this process: its environment and its working directory.
        public static var process: Options {
            // Without a directory that has a UTF-8 name, every file operation fails.
            Options(environment: ProcessEnvironment.variables, workingDirectory: Directories.current ?? "/dev/null")
        }
    }

    /// The settings, to be shown and changed.
    public let configuration: any ConfigurationStore
    private let sessions: SessionDirectory

    public init(_ options: Options) {
        let found = Places(workingDirectory: options.workingDirectory, environment: options.environment)
        let configuration =
            options.configuration
            ?? FileConfigurationStore(home: found.home, projectRoot: found.hasSettings ? found.projectRoot : nil)
        let settings = Self.placingSettings(configuration)
        let places = found.chosen(by: (try? settings.get()) ?? Configuration())
        self.configuration = configuration
        let resolver = ModelResolver(configuration: configuration, options: options)
        let notes = InstructionFiles(places: places, hasOwnTools: !options.tools.isEmpty)
        let toolMaker = ToolMaker(places: places, configuration: configuration, options: options)
        sessions = SessionDirectory(
            EngineServices(
                store: options.store ?? Self.store(places, settings, options),
                clock: options.clock,
                ids: options.ids,
                log: options.log,
                tools: { toolMaker.tools(for: $0) },
                readers: { Blocking.executor },
                hasEnded: { $0.hasEnded },
                endProcess: { $0.end() },
                removeFiles: { toolMaker.removeFiles(of: $0) },
                settings: { RunSettings(configuration.currentOrDefault) },
                resolve: { (session) throws(SessionError) in try await resolver.resolve(session) },
                resolveOverrides: { (turn) throws(SessionError) in try resolver.resolve(overrides: turn) },
                model: { (session) throws(SessionError) in try await resolver.model(for: session) },
                models: { (provider) throws(SessionError) in try await resolver.models(of: provider) },
                instructions: { notes.instructions(for: $0, configuration.currentOrDefault).text }))
    }

    /// The settings that say where data is: a project that cannot be read does not move the user's data.
    private static func placingSettings(_ configuration: any ConfigurationStore) -> Result<Configuration, ConfigError> {
        do throws(ConfigError) { return .success(try configuration.current()) } catch {
            guard let files = configuration as? FileConfigurationStore, let settings = try? files.userSettings() else {
                return .failure(error)
            }
            return .success(settings)
        }
    }

    private static func store(
        _ places: Places, _ settings: Result<Configuration, ConfigError>, _ options: Options
    ) -> any SessionStore {
        guard !options.isEphemeral, options.environment["RKAT_EPHEMERAL"] != "1" else { return MemorySessionStore() }
        let durability: SQLiteSessionStore.Durability
        switch settings {
        case .success(let settings): durability = settings.store.durability == .power ? .power : .process
        case .failure(let error):
            // A store that is somewhere else is not an empty one.
            guard places.isChosen else { return UnavailableSessionStore(.failed("\(error)")) }
            durability = .power
        }
        guard let directory = places.sessionDirectory else { return MemorySessionStore() }
        return SQLiteSessionStore(directory: directory, durability: durability, ids: options.ids)
    }

    // MARK: AgentRuntime

    public func createSession(
        _ options: SessionOptions, prompt: [Block], run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        try await sessions.createSession(options, prompt: prompt, run: run, events: events)
    }

    public func prepareSession(_ options: SessionOptions, run: RunID?) async throws(SessionError) -> SessionSnapshot {
        try await sessions.prepareSession(options, run: run)
    }

    public func startTurn(
        in session: SessionID, prompt: [Block], overrides: SessionOptions, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        try await sessions.startTurn(in: session, prompt: prompt, overrides: overrides, run: run, events: events)
    }

    public func resumeTurn(
        in session: SessionID, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        try await sessions.resumeTurn(in: session, run: run, events: events)
    }

    public func fork(_ session: SessionID, at seq: Int?, run: RunID?) async throws(SessionError) -> SessionSnapshot {
        try await sessions.fork(session, at: seq, run: run)
    }

    public func compact(_ session: SessionID, events: any EventSink) async throws(SessionError) -> CompactionCompleted?
    {
        try await sessions.compact(session, events: events)
    }

    public func interrupt(_ session: SessionID, run: RunID?) async throws(SessionError) -> Interruption {
        try await sessions.interrupt(session, run: run)
    }

    public func openSessions() -> [SessionSnapshot] { sessions.openSessions() }

    public func storedSessions(after cursor: SessionCursor?, limit: Int) throws(SessionError) -> [SessionSnapshot] {
        try sessions.storedSessions(after: cursor, limit: limit)
    }

    public func session(_ id: SessionID) throws(SessionError) -> SessionSnapshot { try sessions.session(id) }

    public func history(of id: SessionID, after cursor: Int, limit: Int) throws(SessionError) -> HistoryPage {
        try sessions.history(of: id, after: cursor, limit: limit)
    }

    public func modelCalls(of id: SessionID) throws(SessionError) -> [ModelCallRecord] {
        try sessions.modelCalls(of: id)
    }

    public func models(of provider: String?) async throws(SessionError) -> [ListedModel] {
        try await sessions.models(of: provider)
    }

    public func archive(_ id: SessionID) async throws(SessionError) { try await sessions.archive(id) }
    public func delete(_ id: SessionID) async throws(SessionError) { try await sessions.delete(id) }
    public func close(grace: Duration) async { await sessions.close(grace: grace) }
}

extension ConfigurationSource {
    /// The settings in force; the defaults while a file is broken, which every request that needs it reports.
    var currentOrDefault: Configuration { (try? current()) ?? Configuration() }
}

extension RunSettings {
    init(_ configuration: Configuration) {
        self.init()
        if let turns = configuration.agent.maxTurns { maxTurns = turns }
        retry.maxRetries = configuration.retry.maxRetries
        retry.initialDelay = configuration.retry.initialDelay
        retry.maxDelay = configuration.retry.maxDelay
        retry.multiplier = configuration.retry.multiplier
        retry.rateLimitFloor = configuration.retry.rateLimitFloor
        firstTokenTimeout = configuration.timeouts.firstToken
        idleTimeout = configuration.timeouts.idle
        maxOpenSessions = configuration.limits.maxOpenSessions
        maxLoadedBytes = configuration.limits.loadedBytes
        answerLimits.maxBytes = configuration.limits.maxAnswerBytes
        answerLimits.maxToolCalls = configuration.limits.maxAnswerToolCalls
        tools.defaultTimeout = configuration.tools.defaultTimeout
        for timeout in configuration.tools.toolTimeouts { tools.timeouts[timeout.name] = timeout.value.duration }
        tools.maxConcurrent = configuration.tools.maxConcurrent
        tools.maxRepeats = configuration.tools.maxRepeats
        budgetWarningThreshold = configuration.agent.budgetWarningThreshold
        compaction.threshold = configuration.compaction.isEnabled ? configuration.compaction.threshold : nil
        compaction.recentTurns = configuration.compaction.recentTurns
        compaction.maxSummaryTokens = configuration.compaction.maxSummaryTokens
        compaction.minTurnsBetween = configuration.compaction.minTurnsBetween
    }
}
