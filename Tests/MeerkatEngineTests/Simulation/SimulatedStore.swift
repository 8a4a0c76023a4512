import MeerkatCore
import MeerkatStorage
import Synchronization

/// The journals as one simulated process sees them: every access lets others go first, and after the death of the
/// process nothing of it has an effect any more.
final class SimulatedStore: SessionStore {
    private struct State {
        var isDead = false
        /// Fails the append of entries for which it returns an error.
        var fails: @Sendable ([Entry]) -> StoreError? = { _ in nil }
    }

    private static let dead = StoreError.failed("the process is dead")

    let memory: MemorySessionStore
    private let state = Mutex(State())

    init(_ memory: MemorySessionStore) {
        self.memory = memory
    }

    func die() {
        state.withLock { $0.isDead = true }
        memory.appear(as: .nobody)
    }

    func fail(_ error: @escaping @Sendable ([Entry]) -> StoreError?) { state.withLock { $0.fails = error } }

    var isDead: Bool { state.withLock { $0.isDead } }

    private func checkLife() throws(StoreError) {
        if isDead { throw Self.dead }
    }

    func append(_ append: SessionAppend) async throws(StoreError) -> Claim? {
        await Task.yield()
        try checkLife()
        if let error = state.withLock({ $0.fails })(append.entries) { throw error }
        let claim = try await memory.append(append)
        await Task.yield()
        // What was stored before the death stays, but nobody hears of it.
        try checkLife()
        return claim
    }

    func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim {
        await Task.yield()
        try checkLife()
        return try await memory.claim(id, expecting: nextSeq)
    }

    func release(_ claim: Claim, on id: SessionID) async throws(StoreError) {
        await Task.yield()
        try checkLife()
        try await memory.release(claim, on: id)
    }

    func delete(_ id: SessionID) async throws(StoreError) {
        await Task.yield()
        try checkLife()
        try await memory.delete(id)
    }

    func close() async { if !isDead { await memory.close() } }
    func state(ofOwner owner: UniqueID) -> OwnerState { memory.state(ofOwner: owner) }

    func session(_ id: SessionID) throws(StoreError) -> StoredSession? {
        try checkLife()
        return try memory.session(id)
    }

    func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        try checkLife()
        return try memory.entries(of: id, after: seq, limit: limit)
    }

    func session(ofRun run: RunID) throws(StoreError) -> SessionID? {
        try checkLife()
        return try memory.session(ofRun: run)
    }

    func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        try checkLife()
        return try memory.list(after: cursor, limit: limit)
    }
}
