/// Counts what waits to be done; a thread that makes more of it can wait until there is less.
public final class Backlog: Sendable {
    private let limit: Int
    private let count = Condition(0)

    public init(limit: Int) {
        self.limit = limit
    }

    public func add(_ amount: Int) {
        count.signal { count in
            count += amount
            return false
        }
    }

    public func remove(_ amount: Int) {
        count.signal { count in
            let wasFull = count >= limit
            count -= amount
            return wasFull && count < limit
        }
    }

    /// Blocks the calling thread while the limit is reached, but no longer than `patience`; false when it still is then.
    public func waitForRoom(atMost patience: Duration) -> Bool {
        count.wait(atMost: patience) { count in count < limit ? () : nil } != nil
    }
}
