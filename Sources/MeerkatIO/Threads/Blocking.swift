/// Bridges from a thread that may block to asynchronous code.
public enum Blocking {
    /// Runs `body` on the concurrent executor and blocks the calling thread, which must not be one of its own.
    public static func wait<T: Sendable>(_ body: @escaping @Sendable () async -> T) -> T {
        let result = Condition<T?>(nil)
        Task.detached {
            let value = await body()
            result.signal { result in
                result = value
                return true
            }
        }
        return result.wait { $0 }
    }
}
