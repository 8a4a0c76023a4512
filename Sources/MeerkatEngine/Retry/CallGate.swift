internal import MeerkatCore
internal import Synchronization

/// Lets only so many calls of a provider go on at a time; the others wait in their order.
public final class CallGate: Sendable {
    private struct State {
        var limit: Int
        var inside = 0
        var waiting: [(ticket: UInt64, admit: @Sendable (Bool) -> Void)] = []
        var nextTicket: UInt64 = 0
    }

    private let state: Mutex<State>

    /// - Parameter limit: Most calls at a time; at least 1.
    public init(limit: Int) {
        state = Mutex(State(limit: max(limit, 1)))
    }

    /// How many wait for a place.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Changes the limit; calls that go on already are not ended.
    public func setLimit(_ limit: Int) {
        let admitted = state.withLock { state in
            state.limit = max(limit, 1)
            return Self.admit(&state)
        }
        for admit in admitted { admit(true) }
    }

    /// Waits for a place, which ``leave()`` gives back.
    ///
    /// - Throws: when the task is cancelled; it has no place then.
    func enter() async throws(CancellationError) {
        let ticket = state.withLock { state -> UInt64? in
            if state.inside < state.limit, state.waiting.isEmpty {
                state.inside += 1
                return nil
            }
            state.nextTicket += 1
            return state.nextTicket
        }
        guard let ticket else { return }
        let place = AsyncLatch<Bool>()
        let admitted = state.withLock { state in
            state.waiting.append((ticket, { place.open($0) }))
            return Self.admit(&state)
        }
        for admit in admitted { admit(true) }
        let isAdmitted = await withTaskCancellationHandler {
            await place.value
        } onCancel: {
            abandon(ticket)
        }
        guard isAdmitted else { throw CancellationError() }
        if Task.isCancelled {
            leave()
            throw CancellationError()
        }
    }

    func leave() {
        let admitted = state.withLock { state in
            state.inside -= 1
            return Self.admit(&state)
        }
        for admit in admitted { admit(true) }
    }

    private func abandon(_ ticket: UInt64) {
        let admit = state.withLock { state -> (@Sendable (Bool) -> Void)? in
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: index).admit
        }
        admit?(false)
    }

    private static func admit(_ state: inout State) -> [@Sendable (Bool) -> Void] {
        let count = min(max(state.limit - state.inside, 0), state.waiting.count)
        guard count > 0 else { return [] }
        defer { state.waiting.removeFirst(count) }
        state.inside += count
        return state.waiting.prefix(count).map(\.admit)
    }
}
