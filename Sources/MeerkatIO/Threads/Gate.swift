/// Holds threads up while it is closed.
public final class Gate: Sendable {
    private let isClosed = Condition(false)

    public init() {}

    public func close() {
        isClosed.signal { isClosed in
            isClosed = true
            return false
        }
    }

    public func open() {
        isClosed.signal { isClosed in
            isClosed = false
            return true
        }
    }

    /// Blocks the calling thread while the gate is closed.
    public func pass() {
        isClosed.wait { isClosed in isClosed ? nil : () }
    }
}
