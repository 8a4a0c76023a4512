public import MeerkatCore
internal import MeerkatJSON
internal import Synchronization

/// A clock that stands still until a test moves it.
public final class TestClock: RuntimeClock {
    private struct Timer {
        let number: Int
        let delay: Duration
        let due: UInt64
        let action: @Sendable () -> Void
    }

    private struct State {
        var uptime: UInt64 = 0
        var nextNumber = 0
        var timers: [Timer] = []
        var waiters: [(delay: Duration, latch: AsyncLatch<Void>)] = []
    }

    private struct Scheduled: ScheduledAction {
        let clock: TestClock
        let number: Int

        func cancel() { clock.state.withLock { $0.timers.removeAll { $0.number == number } } }
    }

    /// The time of day at the start: 2026-01-01 00:00:00 UTC.
    public static let start = Timestamp(milliseconds: 1_767_225_600_000)

    private let state = Mutex(State())

    public init() {}

    public var uptime: UInt64 { state.withLock { $0.uptime } }
    public var now: Timestamp { Timestamp(milliseconds: Self.start.milliseconds + Int64(uptime / 1_000_000)) }

    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        let (number, met) = state.withLock { state in
            state.nextNumber += 1
            state.timers.append(
                Timer(
                    number: state.nextNumber, delay: delay, due: state.uptime + Self.nanoseconds(delay),
                    action: action))
            let met = state.waiters.filter { $0.delay == delay }
            state.waiters.removeAll { $0.delay == delay }
            return (state.nextNumber, met)
        }
        for waiter in met { waiter.latch.open(()) }
        return Scheduled(clock: self, number: number)
    }

    /// Waits until something is scheduled with exactly this delay.
    public func waitForTimer(after delay: Duration) async {
        let latch = AsyncLatch<Void>()
        let isThere = state.withLock { state in
            if state.timers.contains(where: { $0.delay == delay }) { return true }
            state.waiters.append((delay, latch))
            return false
        }
        if !isThere { await latch.value }
    }

    /// Moves the time and calls what is due, in order.
    public func advance(by duration: Duration) {
        let target = uptime + Self.nanoseconds(duration)
        while true {
            let next = state.withLock { state -> Timer? in
                guard let next = state.timers.min(by: { $0.due < $1.due }), next.due <= target else {
                    state.uptime = target
                    return nil
                }
                state.timers.removeAll { $0.number == next.number }
                state.uptime = max(state.uptime, next.due)
                return next
            }
            guard let next else { return }
            next.action()
        }
    }

    /// Moves the time to the next thing that is scheduled and does it; false when there is none.
    public func advanceToNextTimer() -> Bool {
        let next = state.withLock { state -> Timer? in
            guard let next = state.timers.min(by: { $0.due < $1.due }) else { return nil }
            state.timers.removeAll { $0.number == next.number }
            state.uptime = max(state.uptime, next.due)
            return next
        }
        next?.action()
        return next != nil
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        // Sums of two stay within 64 bits.
        min(UInt64(clamping: duration.clampedNanoseconds), .max / 4)
    }
}

/// Ids that count from 1, so that a test can name them.
public final class SequentialIDs: IDGenerator {
    private let count = Mutex<UInt64>(0)

    public init() {}

    public func uniqueID(at time: Timestamp) -> UniqueID {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return UniqueID(high: 0x7000, low: 0x8000_0000_0000_0000 | number)
    }
}
