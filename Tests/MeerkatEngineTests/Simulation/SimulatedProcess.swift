import MeerkatCore
import MeerkatEngine
import MeerkatJSON
import MeerkatStorage
import MeerkatTesting
import Synchronization

/// One process of several that share journals: an engine, and what its client has read.
final class SimulatedProcess: Sendable {
    let store: SimulatedStore
    let directory: SessionDirectory

    init(
        _ memory: MemorySessionStore, seed: UInt64, clock: TestClock, ids: SequentialIDs, record: ToolRecord,
        executor: SeededExecutor
    ) {
        let store = SimulatedStore(memory)
        self.store = store
        let model = SimulatedModel(seed: seed)
        let settings = Self.settings
        directory = SessionDirectory(
            EngineServices(
                store: store, clock: clock, ids: ids,
                tools: { scope in
                    let job = SimulatedJobTool(record, scope, executor)
                    return SessionTools(
                        tools: [SimulatedTool("once", .once, record), SimulatedTool("pure", .pure, record), job],
                        close: { await job.close() })
                },
                executor: executor,
                settings: { settings },
                resolve: { (options) throws(SessionError) in
                    // Finding a model may take a while.
                    await Task.yield()
                    var options = options
                    options.model = "m"
                    return options
                },
                resolveOverrides: { (options) throws(SessionError) in
                    await Task.yield()
                    return options
                },
                model: { (_) throws(SessionError) in
                    await Task.yield()
                    return ResolvedModel(provider: model, model: "m", maxTokens: 100)
                },
                models: { (_) throws(SessionError) in [] },
                instructions: { _ in "Be brief." }))
    }

    private static let settings: RunSettings = {
        var settings = RunSettings()
        settings.compaction.recentTurns = 1
        return settings
    }()

    /// Ends the process as SIGKILL does: nothing that it does from now on has an effect.
    func die() { store.die() }
}

/// Counts the terminal events that clients have read, by run.
final class TerminalEvents: Sendable {
    private let counts = Mutex<[RunID: Int]>([:])

    var all: [RunID: Int] { counts.withLock { $0 } }

    /// The sink of a client that reads everything until its process dies.
    func sink(of process: SimulatedProcess) -> any EventSink { Sink(events: self, process: process) }

    private struct Sink: EventSink {
        let events: TerminalEvents
        let process: SimulatedProcess

        func offer(_ batch: borrowing EventBatch, of run: RunIdentity) -> Bool {
            guard !process.store.isDead else { return true }
            for event in batch.events {
                switch event {
                case .runCompleted, .runFailed: events.counts.withLock { $0[run.run, default: 0] += 1 }
                default: break
                }
            }
            return true
        }

        func hasRoom(for run: RunIdentity) -> Bool { true }
        func whenDrained(of run: RunIdentity, _ action: @escaping @Sendable () -> Void) { action() }
    }
}
