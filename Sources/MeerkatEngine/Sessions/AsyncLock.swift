internal import Synchronization

/// Lets one task at a time through, in the order in which they came. Not ended by cancellation.
final class AsyncLock: Sendable {
    private struct State {
        var isHeld = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func withLock<T, E: Error>(_ body: () async throws(E) -> T) async throws(E) -> T {
        await lock()
        defer { unlock() }
        return try await body()
    }

    private func lock() async {
        let isFree = state.withLock { state in
            defer { state.isHeld = true }
            return !state.isHeld
        }
        guard !isFree else { return }
        await withUnsafeContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.isHeld else {
                    state.isHeld = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func unlock() {
        let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.isHeld = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}

/// A value that comes once and that any number of tasks may wait for. Not ended by cancellation.
final class AsyncLatch<Value: Sendable>: Sendable {
    private enum State {
        case waiting([@Sendable (Value) -> Void])
        case open(Value)
    }

    private let state = Mutex(State.waiting([]))

    func open(_ value: Value) {
        let waiting = state.withLock { state -> [@Sendable (Value) -> Void] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .open(value)
            return waiting
        }
        for action in waiting { action(value) }
    }

    /// Calls `action` with the value, at once when it is there.
    func whenOpen(_ action: @escaping @Sendable (Value) -> Void) {
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

    var value: Value {
        get async {
            await withUnsafeContinuation { continuation in
                whenOpen { continuation.resume(returning: $0) }
            }
        }
    }
}
