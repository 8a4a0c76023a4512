/// Bridges from a thread that may block to asynchronous code.
public enum Blocking {
    /// Runs `body` on `executor`, else on Swift's own threads, and blocks the calling thread, which must be neither's.
    public static func wait<T: Sendable>(
        on executor: (any TaskExecutor)? = nil, _ body: @escaping @Sendable () async -> T
    ) -> T {
        let result = Condition<T?>(nil)
        Task.detached(executorPreference: executor) {
            let value = await body()
            result.signal { result in
                result = value
                return true
            }
        }
        return result.wait { $0 }
    }
}
