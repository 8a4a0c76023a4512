/// A thread of its own that handles what is submitted, everything that waits at once and in order.
///
/// The thread is started by the first submission and sleeps while there is nothing to do.
public final class BatchWorker<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isRunning = false
        var isClosed = false
    }

    private let state = Condition(State())
    private let name: StaticString
    private let handle: @Sendable ([Item]) -> Void

    /// - Parameters:
    ///   - name: the thread's, for debuggers.
    ///   - handle: called on the worker's thread with at least one item.
    public init(_ name: StaticString, _ handle: @escaping @Sendable ([Item]) -> Void) {
        self.name = name
        self.handle = handle
    }

    /// Queues an item; false when the worker was closed before.
    @discardableResult
    public func submit(_ item: Item) -> Bool {
        var isAccepted = true
        var mustStart = false
        state.signal { state in
            guard !state.isClosed else {
                isAccepted = false
                return false
            }
            state.items.append(item)
            mustStart = !state.isRunning
            state.isRunning = true
            return state.items.count == 1
        }
        if mustStart { OSThread.start(name) { [self] in run() } }
        return isAccepted
    }

    /// Takes no more items and waits until all submitted ones are handled.
    public func close() {
        state.signal { state in
            state.isClosed = true
            return true
        }
        state.wait { state in state.isRunning ? nil : () }
    }

    private func run() {
        while true {
            let items: [Item] = state.wait { state in
                if !state.items.isEmpty {
                    defer { state.items = [] }
                    return state.items
                }
                return state.isClosed ? [] : nil
            }
            guard !items.isEmpty else { break }
            handle(items)
        }
        state.signal { state in
            state.isRunning = false
            return true
        }
    }
}
