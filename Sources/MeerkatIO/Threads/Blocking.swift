/// Bridges between threads that may block and asynchronous code.
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

    /// The same, but waits no longer than `limit`; nil when the time is over; the body keeps running.
    @discardableResult
    public static func wait<T: Sendable>(
        on executor: (any TaskExecutor)? = nil, atMost limit: Duration, _ body: @escaping @Sendable () async -> T
    ) -> T? {
        let result = Condition<T?>(nil)
        Task.detached(executorPreference: executor) {
            let value = await body()
            result.signal { result in
                result = value
                return true
            }
        }
        return result.wait(atMost: limit) { $0 }
    }

    /// A few threads for work that may block for a while, as files do.
    private static let workers = ThreadPool(limit: 8)

    /// Where work that may block is run; nil when the system refuses a thread for it.
    public static var executor: (any TaskExecutor)? {
        do throws(SystemError) {
            try workers.start()
            return workers
        } catch {
            return nil
        }
    }

    /// Runs blocking work of the current task on threads that are there for it.
    ///
    /// `body` should look at `Task.isCancelled` now and then.
    ///
    /// - Parameters:
    ///   - refusal: Makes the error that is thrown when the system refuses the first of these threads.
    ///   - body: The work.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` or `refusal` gives.
    public static func run<T: Sendable, E: Error>(
        orThrow refusal: (SystemError) -> E, _ body: @Sendable () throws(E) -> T
    ) async throws(E) -> T {
        do throws(SystemError) { try workers.start() } catch { throw refusal(error) }
        return try await withTaskExecutorPreference(workers) { () async throws(E) in
            try await onPreferredThread(body)
        }
    }

    /// Not isolated and asynchronous, and so continued on the executor that the task prefers.
    @concurrent
    private static func onPreferredThread<T: Sendable, E: Error>(
        _ body: @Sendable () throws(E) -> T
    ) async throws(E) -> T {
        try body()
    }
}
