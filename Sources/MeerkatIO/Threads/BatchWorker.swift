internal import Synchronization

/// A thread of its own that handles what is submitted, everything that waits at once and in order.
///
/// The thread is started by the first submission, if not before, and sleeps while there is nothing to do. Items whose
/// thread the system refuses wait for the next submission, or for the end.
public final class BatchWorker<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isRunning = false
        var isClosed = false
        /// Someone is at the items: this worker's thread, or a submitter that does its item itself.
        var isHandling = false
    }

    private let state = Condition(State())
    /// Held while the thread is started, so that who comes second knows whether there is one.
    private let starting = Mutex(())
    private let name: StaticString
    private let handle: @Sendable ([Item]) -> Void

    /// - Parameters:
    ///   - name: the thread's, for debuggers.
    ///   - handle: called on the worker's thread with at least one item.
    public init(_ name: StaticString, _ handle: @escaping @Sendable ([Item]) -> Void) {
        self.name = name
        self.handle = handle
    }

    /// Starts the thread if it is not running yet.
    ///
    /// - Throws: ``SystemError`` when the system refuses the thread; the next call tries again.
    public func start() throws(SystemError) {
        try starting.withLock { (_) throws(SystemError) in
            let mustStart = state.withLock { state in
                guard !state.isRunning, !state.isClosed else { return false }
                state.isRunning = true
                return true
            }
            guard mustStart else { return }
            do throws(SystemError) {
                try OSThread.start(name) { [self] in run() }
            } catch {
                state.signal { state in
                    state.isRunning = false
                    return true
                }
                throw error
            }
        }
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
            return state.items.count == 1 && !state.isHandling
        }
        // The items wait for the next attempt.
        if mustStart { try? start() }
        return isAccepted
    }

    /// Lets the calling thread do an item when nothing is before it, which saves waking the worker's; else queues it.
    ///
    /// - Parameters:
    ///   - item: what is to be done.
    ///   - attempt: does the item without blocking, or does nothing and returns false.
    public func submit(_ item: Item, orDoNow attempt: (Item) -> Bool) {
        let isFree = state.withLock { state in
            guard state.items.isEmpty, !state.isHandling, !state.isClosed else { return false }
            state.isHandling = true
            return true
        }
        guard isFree else {
            submit(item)
            return
        }
        let isDone = attempt(item)
        var mustStart = false
        state.signal { state in
            state.isHandling = false
            if !isDone { state.items.insert(item, at: 0) }
            guard !state.items.isEmpty || state.isClosed else { return false }
            mustStart = !state.isRunning && !state.items.isEmpty
            return true
        }
        // The items wait for the next attempt.
        if mustStart { try? start() }
    }

    /// Takes no more items and waits until all submitted ones are handled.
    public func close() {
        _ = close(within: .seconds(Int64.max))
    }

    /// Takes no more items and waits until all submitted ones are handled, but no longer than `limit`.
    ///
    /// - Returns: False when the time was over before that.
    public func close(within limit: Duration) -> Bool {
        state.signal { state in
            state.isClosed = true
            return true
        }
        let left: [Item]? = state.wait(atMost: limit) { state in
            guard !state.isRunning, !state.isHandling else { return nil }
            defer { state.items = [] }
            return state.items
        }
        // Of a worker whose thread was refused.
        if let left, !left.isEmpty { handle(left) }
        return left != nil
    }

    private func run() {
        while true {
            let items: [Item] = state.wait { state in
                guard !state.isHandling else { return nil }
                if !state.items.isEmpty {
                    defer { state.items = [] }
                    state.isHandling = true
                    return state.items
                }
                guard state.isClosed else { return nil }
                state.isRunning = false
                return []
            }
            guard !items.isEmpty else { break }
            handle(items)
            state.signal { state in
                state.isHandling = false
                return state.isClosed
            }
        }
        state.signal { _ in true }
    }
}
