internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Calls actions at their time, from one thread that sleeps until the earliest of them.
///
/// The thread is started by the first action, if not before. A cancelled action leaves at once. The thread is woken only for a deadline before the one it sleeps until, which may
/// be that of a cancelled action: it then finds nothing to do, once.
public final class TimerThread: Sendable {
    /// Names an action that was scheduled.
    public struct Token: Sendable, Hashable {
        let deadline: UInt64
        let number: UInt64
    }

    private struct Timer {
        let token: Token
        let action: @Sendable () -> Void
    }

    private struct State {
        /// Sorted, the earliest last.
        var timers: [Timer] = []
        var nextNumber: UInt64 = 0
        var isRunning = false
        /// When the thread will look again by itself; 0 while it is awake.
        var sleepsUntil: UInt64 = 0
    }

    private let state = Condition(State())
    /// Held while the thread is started, so that there is one.
    private let starting = Mutex(())

    /// The timers of the process.
    public static let shared = TimerThread()

    public init() {}

    /// Starts the thread if it is not running yet.
    ///
    /// - Throws: ``SystemError`` when the system refuses the thread; the next call tries again.
    public func start() throws(SystemError) {
        try starting.withLock { (_) throws(SystemError) in
            guard !state.withLock({ $0.isRunning }) else { return }
            try OSThread.start("timers") { [self] in run() }
            state.withLock { $0.isRunning = true }
        }
    }

    /// Nanoseconds of the clock that deadlines are measured with; it never goes backwards.
    public static var uptime: UInt64 {
        #if canImport(Darwin)
            clock_gettime_nsec_np(CLOCK_UPTIME_RAW)
        #else
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        #endif
    }

    /// Calls `action` once after `nanoseconds` on the timer's thread; it must be short.
    public func schedule(after nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void) -> Token {
        let now = Self.uptime
        let (sum, overflow) = now.addingReportingOverflow(nanoseconds)
        let deadline = overflow ? UInt64.max : sum
        var token = Token(deadline: deadline, number: 0)
        var mustStart = false
        state.signal { state in
            token = Token(deadline: deadline, number: state.nextNumber)
            state.nextNumber += 1
            let index = Self.position(of: token, in: state.timers)
            state.timers.insert(Timer(token: token, action: action), at: index)
            mustStart = !state.isRunning
            return deadline < state.sleepsUntil
        }
        // A program that cannot do without has started the thread before; here the next action tries again.
        if mustStart { try? start() }
        return token
    }

    /// Takes an action back; without effect once it has begun.
    public func cancel(_ token: Token) {
        state.signal { state in
            let index = Self.position(of: token, in: state.timers)
            if index < state.timers.count, state.timers[index].token == token { state.timers.remove(at: index) }
            return false
        }
    }

    /// The first place whose timer is not due after `token`.
    private static func position(of token: Token, in timers: [Timer]) -> Int {
        var low = 0
        var high = timers.count
        while low < high {
            let middle = (low + high) / 2
            let other = timers[middle].token
            if (other.deadline, other.number) > (token.deadline, token.number) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private func run() {
        while true {
            let due: @Sendable () -> Void = state.wait(until: { $0.sleepsUntil == .max ? nil : $0.sleepsUntil }) {
                state in
                guard let next = state.timers.last, next.token.deadline <= Self.uptime else {
                    state.sleepsUntil = state.timers.last?.token.deadline ?? .max
                    return nil
                }
                state.timers.removeLast()
                state.sleepsUntil = 0
                return next.action
            }
            due()
        }
    }
}
