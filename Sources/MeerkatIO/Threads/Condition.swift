internal import MeerkatJSON

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A value behind a lock, with waiting for it to change; for the few threads that may block.
///
/// Unchecked because the lock is the system's: `state` is touched only between `lock` and `unlock` of `mutex`.
final class Condition<State>: @unchecked Sendable {  // its lock is `mutex`
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: sending State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
            pthread_cond_init(condition, nil)
        #else
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<T>(_ body: (inout State) -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Changes the state and wakes a waiting thread when `body` says so.
    func signal(_ body: (inout State) -> Bool) {
        pthread_mutex_lock(mutex)
        let wakes = body(&state)
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_broadcast(condition) }
    }

    /// Changes the state and wakes one of the threads that all wait for the same, when `body` says so.
    func signalOne(_ body: (inout State) -> Bool) {
        pthread_mutex_lock(mutex)
        let wakes = body(&state)
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(condition) }
    }

    /// Waits until `body` returns a value.
    func wait<T>(_ body: (inout State) -> T?) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = body(&state) { return value }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// Waits until `body` returns a value, but no longer than `limit`; nil when the time is over.
    func wait<T>(atMost limit: Duration, _ body: (inout State) -> T?) -> T? {
        let deadline = TimerThread.uptime.addingClamped(UInt64(clamping: limit.clampedNanoseconds))
        let end: T?? = wait(until: { _ in deadline }) { state in
            if let value = body(&state) { return .some(value) }
            return TimerThread.uptime >= deadline ? .some(nil) : nil
        }
        return end ?? nil
    }

    /// Waits until `body` returns a value, asking again when the state changed and at the time that `deadline` names.
    ///
    /// `deadline` is in nanoseconds of the monotonic clock; nil waits for a change only.
    func wait<T>(until deadline: (State) -> UInt64?, _ body: (inout State) -> T?) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = body(&state) { return value }
            guard let deadline = deadline(state) else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            #if canImport(Darwin)
                let now = clock_gettime_nsec_np(CLOCK_UPTIME_RAW)
                let left = deadline > now ? deadline - now : 0
                var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
                pthread_cond_timedwait_relative_np(condition, mutex, &time)
            #else
                var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            #endif
        }
    }
}
