public import MeerkatCore
public import MeerkatStorage
internal import Synchronization

/// A store in memory that tells what was appended and fails when a test says so.
public final class RecordingStore: SessionStore {
    private struct State {
        var appends: [[Entry.Kind]] = []
        var claims: [SessionID] = []
        var fails: @Sendable ([Entry.Kind]) -> StoreError? = { _ in nil }
    }

    private let memory: MemorySessionStore
    private let state = Mutex(State())

    public init(_ memory: MemorySessionStore = MemorySessionStore()) {
        self.memory = memory
    }

    /// The sessions that were claimed before an entry was written.
    public var claims: [SessionID] { state.withLock { $0.claims } }

    /// The entries of each append, in order; failed ones are left out.
    public var appends: [[Entry.Kind]] { state.withLock { $0.appends } }

    /// Lets appends fail for which `error` returns one, with no entries also releases; nothing of them is kept.
    public func fail(_ error: @escaping @Sendable ([Entry.Kind]) -> StoreError?) {
        state.withLock { $0.fails = error }
    }

    @discardableResult
    public func append(_ append: SessionAppend) async throws(StoreError) -> Claim? {
        let kinds = append.entries.map(\.kind)
        if let error = state.withLock({ $0.fails })(kinds) { throw error }
        let claim = try await memory.append(append)
        state.withLock { $0.appends.append(kinds) }
        return claim
    }

    public func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim {
        let claim = try await memory.claim(id, expecting: nextSeq)
        state.withLock { $0.claims.append(id) }
        return claim
    }

    public func release(_ claim: Claim, on id: SessionID) async throws(StoreError) {
        if let error = state.withLock({ $0.fails })([]) { throw error }
        try await memory.release(claim, on: id)
    }

    public func state(ofOwner owner: UniqueID) -> OwnerState { memory.state(ofOwner: owner) }

    public func session(_ id: SessionID) throws(StoreError) -> StoredSession? { try memory.session(id) }

    public func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        try memory.entries(of: id, after: seq, limit: limit)
    }

    public func session(ofRun run: RunID) throws(StoreError) -> SessionID? { try memory.session(ofRun: run) }

    public func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        try memory.list(after: cursor, limit: limit)
    }

    public func delete(_ id: SessionID) async throws(StoreError) { try await memory.delete(id) }
    public func close() async {}
}

extension Entry.Kind {
    /// The name of the kind alone.
    public var name: String {
        switch self {
        case .sessionCreated: "sessionCreated"
        case .contextSet: "contextSet"
        case .runStarted: "runStarted"
        case .runResumed: "runResumed"
        case .messageAdded: "messageAdded"
        case .modelCalled: "modelCalled"
        case .modelFailed: "modelFailed"
        case .modelAnswered: "modelAnswered"
        case .toolStarted: "toolStarted"
        case .processStarted: "processStarted"
        case .toolFinished: "toolFinished"
        case .compacted: "compacted"
        case .runFinished: "runFinished"
        case .archived: "archived"
        }
    }
}
