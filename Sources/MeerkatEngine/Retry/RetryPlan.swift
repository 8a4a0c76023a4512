public import MeerkatCore
internal import MeerkatJSON

/// Decides whether a failed model call is made again, and when.
public struct RetryPlan: Sendable, Hashable {
    public var maxRetries = 3
    public var initialDelay = Duration.milliseconds(500)
    public var maxDelay = Duration.seconds(30)
    public var multiplier = 2.0
    /// Shortest delay after a rate limit that came without a hint.
    public var rateLimitFloor = Duration.seconds(5)

    public init() {}

    public var maxAttempts: Int { maxRetries < .max ? maxRetries + 1 : .max }

    /// The delay before the next attempt.
    ///
    /// - Parameters:
    ///   - error: why the attempt failed.
    ///   - attempt: the attempt that failed, from 1.
    ///   - jitter: from −1 to 1; moves the computed delay by up to a tenth.
    /// - Returns: nil when the failure is final.
    public func delay(after error: ProviderError, attempt: Int, jitter: Double) -> Duration? {
        guard error.isRetryable, attempt < maxAttempts else { return nil }
        var computed = Double(initialDelay.clampedMilliseconds)
        for _ in 1..<max(attempt, 1) {
            let next = computed * multiplier
            // Further attempts change nothing.
            guard next > computed, next.isFinite else { break }
            computed = next
        }
        computed *= 1 + jitter / 10
        var delay = min(.milliseconds(Int64(clamping: computed.rounded())), maxDelay)
        if let hint = error.retryAfterMilliseconds, hint > 0 {
            delay = max(delay, .milliseconds(hint))
        } else if error.status == 429 || error.reason == .rateLimited {
            delay = max(delay, rateLimitFloor)
        }
        return delay
    }
}
