internal import Synchronization

/// Admits a limited number of tasks at a time; the others wait in the order in which they came.
public final class AsyncSemaphore: Sendable {
    private struct State {
        var limit: Int
        var inside = 0
        /// Opened with `true` when the task is admitted, with `false` when it gives up.
        var waiting: [AsyncLatch<Bool>] = []

        /// Admits those who wait as far as there is room.
        mutating func admit() -> [AsyncLatch<Bool>] {
            let count = min(max(limit - inside, 0), waiting.count)
            guard count > 0 else { return [] }
            defer { waiting.removeFirst(count) }
            inside += count
            return Array(waiting.prefix(count))
        }
    }

    private let state: Mutex<State>

    /// - Parameter limit: Most tasks at a time; at least 1.
    public init(limit: Int) {
        state = Mutex(State(limit: max(limit, 1)))
    }

    /// How many tasks wait.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Changes the limit; tasks that are inside stay there.
    public func setLimit(_ limit: Int) {
        let admitted = state.withLock { state in
            state.limit = max(limit, 1)
            return state.admit()
        }
        for latch in admitted { latch.open(true) }
    }

    /// A place, or the latch that is opened when there is one.
    private func place() -> AsyncLatch<Bool>? {
        state.withLock { state in
            if state.inside < state.limit, state.waiting.isEmpty {
                state.inside += 1
                return nil
            }
            let latch = AsyncLatch<Bool>()
            state.waiting.append(latch)
            return latch
        }
    }

    /// Waits for admission, which ``leave()`` gives back.
    ///
    /// - Throws: `CancellationError` when the task is cancelled; it is not inside then.
    package func enter() async throws(CancellationError) {
        guard let latch = place() else { return }
        let isAdmitted = await withTaskCancellationHandler {
            await latch.value
        } onCancel: {
            let isWaiting = state.withLock { state in
                guard let index = state.waiting.firstIndex(where: { $0 === latch }) else { return false }
                state.waiting.remove(at: index)
                return true
            }
            if isWaiting { latch.open(false) }
        }
        guard isAdmitted else { throw CancellationError() }
        if Task.isCancelled {
            leave()
            throw CancellationError()
        }
    }

    package func leave() {
        let admitted = state.withLock { state in
            state.inside -= 1
            return state.admit()
        }
        for latch in admitted { latch.open(true) }
    }

    /// Runs `body` when it is admitted; the wait is not ended by cancellation.
    package func whileInside<T, E: Error>(_ body: () async throws(E) -> T) async throws(E) -> T {
        if let latch = place() { _ = await latch.value }
        defer { leave() }
        return try await body()
    }
}
