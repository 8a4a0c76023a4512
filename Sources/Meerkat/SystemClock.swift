public import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// The machine's clocks.
public struct SystemClock: RuntimeClock {
    private struct Timer: ScheduledAction {
        let thread: TimerThread
        let token: TimerThread.Token

        func cancel() { thread.cancel(token) }
    }

    private let timers = TimerThread.shared

    public init() {}

    public var now: Timestamp { Timestamp(milliseconds: ProcessEnvironment.microseconds / 1000) }
    public var uptime: UInt64 { TimerThread.uptime }

    public func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        let nanoseconds = UInt64(clamping: delay.clampedNanoseconds)
        return Timer(thread: timers, token: timers.schedule(after: nanoseconds, action))
    }
}
