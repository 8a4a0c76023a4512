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
        let due = AsyncLatch<Void>()
        let timer = schedule(after: delay) { due.open(()) }
        _ = await due.valueUnlessCancelled
        timer.cancel()
        if Task.isCancelled { throw CancellationError() }
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
