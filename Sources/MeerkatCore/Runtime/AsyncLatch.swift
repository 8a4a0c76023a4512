internal import Synchronization

/// A value that comes once and that any number of tasks may wait for.
package final class AsyncLatch<Value: Sendable>: Sendable {
    private enum State {
        case waiting([@Sendable (Value) -> Void])
        case open(Value)
    }

    private let state = Mutex(State.waiting([]))

    package init() {}

    /// Gives the value; has no effect once there is one.
    package func open(_ value: Value) {
        let waiting = state.withLock { state -> [@Sendable (Value) -> Void] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .open(value)
            return waiting
        }
        for action in waiting { action(value) }
    }

    /// Calls `action` with the value, at once when it is there.
    package func whenOpen(_ action: @escaping @Sendable (Value) -> Void) {
        let value = state.withLock { state -> Value? in
            switch state {
            case .open(let value): return value
            case .waiting(let waiting):
                state = .waiting(waiting + [action])
                return nil
            }
        }
        if let value { action(value) }
    }

    /// Whether the value is there.
    package var isOpen: Bool {
        state.withLock { state in
            if case .open = state { true } else { false }
        }
    }

    /// The value, once it is there; the wait is not ended by cancellation.
    package var value: Value {
        get async {
            await withUnsafeContinuation { continuation in
                whenOpen { continuation.resume(returning: $0) }
            }
        }
    }

    /// The value; `nil` when the waiting task is cancelled before it is there.
    package var valueUnlessCancelled: Value? {
        get async {
            let either = AsyncLatch<Value?>()
            whenOpen { either.open($0) }
            return await withTaskCancellationHandler {
                await either.value
            } onCancel: {
                either.open(nil)
            }
        }
    }
}
