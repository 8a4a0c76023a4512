internal import MeerkatCore
internal import Synchronization

/// A run that was asked for: who waits for it and how to end it.
///
/// The handle exists, and its id is reserved, before anything that the run needs is waited for.
final class RunHandle: Sendable {
    typealias Outcome = Result<RunResult, SessionError>

    private struct State {
        var task: Task<Void, Never>?
        var session: LiveSession?
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

    /// The session that the run keeps busy, once it does.
    var session: LiveSession? { state.withLock { $0.session } }

    func occupied(_ session: LiveSession) { state.withLock { $0.session = session } }

    /// Whether the run's time is over and nobody has interrupted it before.
    var isExpired: Bool { state.withLock { $0.isExpired } }

    func elapsed(at uptime: UInt64) -> Duration { .nanoseconds(Int64(clamping: uptime - min(startedAt, uptime))) }

    /// Starts the run in a task of its own, which this handle owns until its end.
    ///
    /// - Parameters:
    ///   - executor: where the task runs.
    ///   - body: gives no outcome when it is not a run but something else that keeps the session busy.
    ///   - afterwards: what nobody waits for who waits for the outcome.
    func start(
        on executor: (any TaskExecutor)?, _ body: @escaping @Sendable () async -> Outcome?,
        afterwards: @escaping @Sendable () async -> Void
    ) {
        let task = Task.detached(executorPreference: executor) { [finished] in
            finished.open(await body())
            await afterwards()
        }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Gives the outcome of a run that is never started.
    func finish(without outcome: Outcome) { finished.open(outcome) }

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

    /// The outcome, once there is one; nil when it was not a run.
    ///
    /// The wait is not ended by cancellation.
    var outcome: Outcome? {
        get async { await finished.value }
    }

    /// Waits for the end of the run, but no longer than `limit`, and returns whether it has ended.
    func hasEnded(within limit: Duration, clock: any RuntimeClock) async -> Bool {
        let either = AsyncLatch<Bool>()
        finished.whenOpen { _ in either.open(true) }
        let timer = clock.schedule(after: limit) { either.open(false) }
        defer { timer.cancel() }
        return await either.value
    }
}
