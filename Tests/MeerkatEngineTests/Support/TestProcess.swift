import MeerkatCore
import MeerkatEngine
import MeerkatProviders
import MeerkatTesting
import Synchronization

/// An engine over a store that others may share, with what its surroundings were asked for.
struct TestProcess: Sendable {
    /// What a process has done to others.
    final class Deeds: Sendable {
        private let state = Mutex<(ended: [ToolProcess], posts: [@Sendable (String) async -> Void])>(([], []))

        /// The processes that were ended.
        var ended: [ToolProcess] { state.withLock { $0.ended } }
        func end(_ process: ToolProcess) { state.withLock { $0.ended.append(process) } }

        func keep(_ post: @escaping @Sendable (String) async -> Void) { state.withLock { $0.posts.append(post) } }
        /// Says something in the last session whose tools were made, as a job does that has ended.
        func post(_ text: String) async { await state.withLock { $0.posts.last }?(text) }
    }

    let directory: SessionDirectory
    let deeds = Deeds()
    let provider: ScriptedProvider

    init(
        _ store: any SessionStore, _ provider: ScriptedProvider, clock: TestClock = TestClock(),
        ids: any IDGenerator = RandomIDGenerator(), tools: [any Tool] = [],
        hasEnded: @escaping @Sendable (ToolProcess) -> Bool = { _ in true },
        resolving: @escaping @Sendable () async -> Void = {}
    ) {
        self.provider = provider
        directory = SessionDirectory(
            EngineServices(
                store: store, clock: clock, ids: ids,
                tools: { [deeds] scope in
                    deeds.keep { text in await scope.post(.job, [.text(text)]) }
                    return SessionTools(tools: tools)
                },
                hasEnded: hasEnded, endProcess: { [deeds] in deeds.end($0) },
                settings: { Self.settings },
                resolve: { (options) throws(SessionError) in
                    await resolving()
                    return options
                },
                resolveOverrides: { (options) throws(SessionError) in
                    await resolving()
                    return options
                },
                model: { (_) throws(SessionError) in ResolvedModel(provider: provider, model: "m", maxTokens: 100) },
                models: { (_) throws(SessionError) in [] },
                instructions: { _ in "Be brief." }))
    }

    private static let settings: RunSettings = {
        var settings = RunSettings()
        settings.compaction.recentTurns = 1
        return settings
    }()

    /// Creates a session whose first turn is over.
    func session() async throws(SessionError) -> SessionID {
        try await directory.createSession(
            SessionOptions(), prompt: [.text("begin")], run: nil, events: IgnoringEventSink()
        ).session
    }

    @discardableResult
    func turn(
        _ session: SessionID, _ prompt: String = "go on", run: RunID? = nil,
        events: any EventSink = IgnoringEventSink()
    ) async throws(SessionError) -> RunResult {
        try await directory.startTurn(in: session, prompt: [.text(prompt)], run: run, events: events)
    }

    /// What a request is refused with.
    func refusal(_ body: () async throws(SessionError) -> Void) async -> SessionError.Cause? {
        do throws(SessionError) {
            try await body()
            return nil
        } catch {
            return error.cause
        }
    }
}

/// Remembers the names of events.
final class EventNames: EventSink {
    private let names = Mutex<[(run: RunID, event: Event)]>([])
    private let begun = AsyncLatch<RunIdentity>()

    /// The terminal events.
    var ends: [Event] {
        names.withLock { names in
            names.map(\.event).filter { event in
                switch event {
                case .runCompleted, .runFailed: true
                default: false
                }
            }
        }
    }

    /// How many runs have begun.
    var starts: Int {
        names.withLock { names in
            names.count { if case .runStarted = $0.event { true } else { false } }
        }
    }

    /// Waits for the first event.
    var run: RunIdentity { get async { await begun.value } }

    func offer(_ batch: borrowing EventBatch, of run: RunIdentity) -> Bool {
        let events = batch.events
        names.withLock { $0 += events.map { (run.run, $0) } }
        begun.open(run)
        return true
    }

    func hasRoom(for run: RunIdentity) -> Bool { true }
    func whenDrained(of run: RunIdentity, _ action: @escaping @Sendable () -> Void) { action() }
}
