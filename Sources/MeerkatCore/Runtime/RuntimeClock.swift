internal import Synchronization

/// Where the runtime takes time and delays from, so that tests decide how it passes.
public protocol RuntimeClock: Sendable {
    /// The time of day.
    var now: Timestamp { get }
    /// Nanoseconds of a clock that never goes backwards.
    var uptime: UInt64 { get }
    /// Calls `action` once after `delay`, on a thread of the clock's; `action` must be short.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction
}

/// An action that has not happened yet.
public protocol ScheduledAction: Sendable {
    /// Takes the action back; without effect once it has begun.
    func cancel()
}

extension RuntimeClock {
    /// Waits for `delay`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for delay: Duration) async throws(CancellationError) {
        let pending = PendingWake()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                pending.start(continuation) { schedule(after: delay) { pending.wake() } }
            }
        } onCancel: {
            pending.wake()
        }
        if Task.isCancelled { throw CancellationError() }
    }
}

/// Joins a timer, a cancellation and the waiting task; whichever comes first wakes it, once.
private final class PendingWake: Sendable {
    private struct State {
        var continuation: UnsafeContinuation<Void, Never>?
        var timer: (any ScheduledAction)?
        var isDone = false
    }

    private let state = Mutex(State())

    func start(_ continuation: UnsafeContinuation<Void, Never>, _ schedule: () -> any ScheduledAction) {
        let isDone = state.withLock { state in
            if !state.isDone { state.continuation = continuation }
            return state.isDone
        }
        guard !isDone else { return continuation.resume() }
        let timer = schedule()
        let isLate = state.withLock { state in
            if !state.isDone { state.timer = timer }
            return state.isDone
        }
        if isLate { timer.cancel() }
    }

    func wake() {
        let (continuation, timer) = state.withLock { state in
            defer { state = State(isDone: true) }
            return (state.continuation, state.timer)
        }
        timer?.cancel()
        continuation?.resume()
    }
}

/// Where new ids come from.
public protocol IDGenerator: Sendable {
    func uniqueID(at time: Timestamp) -> UniqueID
}

/// Version 7 ids from the system's random numbers.
public struct RandomIDGenerator: IDGenerator {
    public init() {}

    public func uniqueID(at time: Timestamp) -> UniqueID {
        var random = SystemRandomNumberGenerator()
        return UniqueID(at: time, random: (random.next(), random.next()))
    }
}
