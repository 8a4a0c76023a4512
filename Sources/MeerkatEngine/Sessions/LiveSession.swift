internal import MeerkatCore
internal import Synchronization

/// An open session: what is shown of it, the run that is going on, and its history while it is loaded.
final class LiveSession: Sendable {
    /// A session's history and what was rendered of it.
    struct Loaded: Sendable {
        var state: SessionState
        var buffer = RenderBuffer()
    }

    /// A message of a job or another source that is not a prompt.
    struct Message: Sendable {
        var origin: MessageOrigin
        var blocks: [Block]

        var entry: Entry.Kind { .messageAdded(origin: origin.rawValue, blocks: blocks) }
    }

    struct Live {
        var summary: SessionSummary
        var tools: ToolBox?
        /// Messages that are not in the journal yet.
        var inbox: [Message] = []
        /// Left processes that are known to have ended.
        var endedProcesses: Set<ToolProcess> = []
        var run: RunHandle?
        /// The right to change the session; held by a run, and until it could be given up.
        var claim: Claim?
        var loaded: Loaded?
        /// Repeats what could not be stored.
        var retry = Retry()
        var lastUse: UInt64 = 0
        var countedBytes = 0
    }

    let id: SessionID
    /// As they were when the session was opened.
    let settings: RunSettings
    let live: Mutex<Live>
    /// Appends follow one another; archiving may come between those of a run.
    let appendOrder = AsyncSemaphore(limit: 1)

    init(_ summary: SessionSummary, settings: RunSettings, loaded: Loaded? = nil) {
        id = summary.id
        self.settings = settings
        live = Mutex(Live(summary: summary, loaded: loaded))
    }

    var summary: SessionSummary { live.withLock { $0.summary } }
    var run: RunHandle? { live.withLock { $0.run } }
    var claim: Claim? { live.withLock { $0.claim } }

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

    // MARK: History

    var isLoaded: Bool { live.withLock { $0.loaded != nil } }

    /// Reads the session's entries from the store.
    func load(with services: EngineServices) async throws(StoreError) {
        let state = try await services.reading { [id] (store) throws(StoreError) in
            try SessionState(id: id, from: store)
        }
        live.withLock { live in
            live.loaded = Loaded(state: state)
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
