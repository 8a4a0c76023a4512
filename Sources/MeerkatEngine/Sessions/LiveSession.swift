internal import MeerkatCore
internal import Synchronization

/// An open session: what is shown of it, the run that is going on, and its history while it is loaded.
final class LiveSession: Sendable {
    /// A session's history and what was rendered of it.
    struct Loaded: Sendable {
        var state: SessionState
        var buffer = RenderBuffer()
    }

    /// What a job or another source wants to say.
    struct Message: Sendable {
        var origin: MessageOrigin
        var blocks: [Block]
    }

    private struct Live {
        var summary: SessionSummary
        var tools: ToolBox?
        /// Messages for the next model call.
        var inbox: [Message] = []
        /// Processes that an earlier rkat has left; nil once they are known to be gone.
        var foreignProcesses: [ToolProcess]?
        /// A session that was made here has none.
        var mayHaveForeignProcesses: Bool
        var run: RunHandle?
        var loaded: Loaded?
        var lastUse: UInt64 = 0
        var countedBytes = 0
    }

    let id: SessionID
    /// As they were when the session was opened.
    let settings: RunSettings
    private let live: Mutex<Live>
    /// Appends follow one another; archiving may come between those of a run.
    let appendOrder = AsyncLock()

    init(_ summary: SessionSummary, settings: RunSettings, loaded: Loaded? = nil) {
        id = summary.id
        self.settings = settings
        live = Mutex(Live(summary: summary, mayHaveForeignProcesses: loaded == nil, loaded: loaded))
    }

    var summary: SessionSummary { live.withLock { $0.summary } }
    var run: RunHandle? { live.withLock { $0.run } }

    /// Makes `run` the run of this session unless one is going on, which is returned then.
    func begin(_ run: RunHandle) -> RunHandle? {
        live.withLock { live in
            if let other = live.run { return other }
            live.run = run
            return nil
        }
    }

    func end(_ run: RunHandle, at uptime: UInt64) {
        live.withLock { live in
            if live.run === run { live.run = nil }
            live.lastUse = uptime
        }
    }

    // MARK: Tools

    /// The session's tools, made at the first use.
    func tools(for options: SessionOptions, with services: EngineServices) -> ToolBox {
        if let tools = live.withLock({ $0.tools }) { return tools }
        let scope = ToolScope(session: id, options: options) { [weak self] origin, blocks in
            await self?.post(Message(origin: origin, blocks: blocks), with: services)
        }
        let tools = ToolBox(services.tools(scope))
        return live.withLock { live in
            let chosen = live.tools ?? tools
            live.tools = chosen
            return chosen
        }
    }

    var hasTools: Bool { live.withLock { $0.tools != nil } }

    /// Ends what the tools keep going.
    func closeTools() async {
        let tools = live.withLock { live in live.tools.take() }
        await tools?.close()
    }

    func takeForeignProcesses() -> [ToolProcess]? { live.withLock { $0.foreignProcesses.take() } }
    func keepForeignProcesses(_ processes: [ToolProcess]) { live.withLock { $0.foreignProcesses = processes } }

    // MARK: Messages

    /// Takes the messages that wait for a model call.
    func takeInbox() -> [Message] {
        live.withLock { live in
            defer { live.inbox = [] }
            return live.inbox
        }
    }

    /// Puts back what could not be stored.
    func returnToInbox(_ messages: [Message]) {
        live.withLock { $0.inbox = messages + $0.inbox }
    }

    /// Puts a message into the conversation: before the next model call, or at once while no run is going on.
    private func post(_ message: Message, with services: EngineServices) async {
        live.withLock { $0.inbox.append(message) }
        await deliverInbox(with: services)
    }

    /// Stores the messages that wait, unless a run is going on, which takes them itself.
    func deliverInbox(with services: EngineServices) async {
        guard live.withLock({ !$0.inbox.isEmpty }) else { return }
        // A run that begins waits for its turn to append, so that none of them comes between a question and its answer.
        await appendOrder.withLock {
            let messages = live.withLock { live -> [Message] in
                guard live.run == nil, !live.summary.isArchived else { return [] }
                defer { live.inbox = [] }
                return live.inbox
            }
            guard !messages.isEmpty else { return }
            do throws(StoreError) {
                try await appendInOrder(
                    messages.map { (.messageAdded(origin: $0.origin.rawValue, blocks: $0.blocks), nil) },
                    ownership: .ignore, newRun: nil, with: services)
            } catch {
                services.log(.warn, "session \(id): a message could not be stored: \(error.message)")
            }
        }
    }

    // MARK: History

    var isLoaded: Bool { live.withLock { $0.loaded != nil } }

    func load(_ state: SessionState) {
        live.withLock { live in
            live.loaded = Loaded(state: state)
            if live.mayHaveForeignProcesses {
                live.mayHaveForeignProcesses = false
                live.foreignProcesses = state.processes.isEmpty ? nil : state.processes
            }
            live.summary = SessionSummary(state)
        }
    }

    /// Works with the loaded history; nil when it is not loaded.
    func withLoaded<T>(_ body: (inout Loaded) -> T) -> T? {
        live.withLock { live in
            // Taken out and put back, so that the body works in place and nothing is copied.
            guard var loaded = live.loaded.take() else { return nil }
            defer { live.loaded = loaded }
            return body(&loaded)
        }
    }

    /// Forgets the history; the next use reads it from the store.
    func unload() {
        live.withLock { $0.loaded = nil }
    }

    func unloadIfIdle() {
        live.withLock { live in
            if live.run == nil { live.loaded = nil }
        }
    }

    /// Shows what is durable now.
    func publish(_ summary: SessionSummary) {
        live.withLock { $0.summary = summary }
    }

    /// When an idle session was last used; nil while it is running or not loaded.
    var idleSince: UInt64? {
        live.withLock { live in live.run == nil && live.loaded != nil ? live.lastUse : nil }
    }

    /// The change of the memory for this session's history since the last call, in bytes, estimated.
    func memoryChange() -> Int {
        live.withLock { live in
            let bytes = live.loaded.map { 2 * $0.buffer.byteCount + 1024 } ?? 0
            defer { live.countedBytes = bytes }
            return bytes - live.countedBytes
        }
    }
}

/// A run that is going on: who waits for it and how to end it.
final class RunHandle: Sendable {
    typealias Outcome = Result<RunResult, SessionError>

    private struct State {
        var task: Task<Outcome?, Never>?
        var isCancelled = false
        var isExpired = false
    }

    let id: RunID
    private let startedAt: UInt64
    private let state = Mutex(State())
    private let finished = AsyncLatch<Outcome?>()

    init(id: RunID, at uptime: UInt64) {
        self.id = id
        startedAt = uptime
    }

    /// Whether the run's time is over and nobody has interrupted it before.
    var isExpired: Bool { state.withLock { $0.isExpired } }

    func elapsed(at uptime: UInt64) -> Duration { .nanoseconds(Int64(clamping: uptime - min(startedAt, uptime))) }

    /// Starts the run in a task of its own, which this handle owns until its end.
    ///
    /// - Parameter body: gives no outcome when it is no run but something else that keeps the session busy.
    func start(_ body: @escaping @Sendable () async -> Outcome?) {
        let task = Task.detached(executorPreference: RuntimeExecutor.preferred) { [finished] in
            let outcome = await body()
            finished.open(outcome)
            return outcome
        }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Asks the run to end.
    ///
    /// The one end of the run says that it was cancelled.
    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }

    /// Ends the run because its time is over.
    func expire() {
        let task = state.withLock { state in
            if !state.isCancelled { state.isExpired = true }
            return state.task
        }
        task?.cancel()
    }

    /// The outcome, once there is one.
    ///
    /// Not ended by cancellation.
    var outcome: Outcome {
        get async { await finished.value ?? .failure(SessionError(.notFound, run: id)) }
    }

    /// Waits for the end of the run, but no longer than `limit`, and tells whether it has ended.
    func hasEnded(within limit: Duration, clock: any RuntimeClock) async -> Bool {
        let either = AsyncLatch<Bool>()
        finished.whenOpen { _ in either.open(true) }
        let timer = clock.schedule(after: limit) { either.open(false) }
        defer { timer.cancel() }
        return await either.value
    }
}
