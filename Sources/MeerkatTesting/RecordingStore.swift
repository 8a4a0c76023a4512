public import MeerkatCore
internal import MeerkatStorage
internal import Synchronization

/// A store in memory that tells what was appended and fails when a test says so.
public final class RecordingStore: SessionStore {
    private struct State {
        var appends: [[Entry.Kind]] = []
        var fails: @Sendable ([Entry.Kind]) -> StoreError? = { _ in nil }
    }

    private let memory = MemorySessionStore()
    private let state = Mutex(State())

    public init() {}

    /// The entries of each append, in order; failed ones are left out.
    public var appends: [[Entry.Kind]] { state.withLock { $0.appends } }

    /// Lets appends fail for which `error` returns one; nothing of them is kept.
    public func fail(_ error: @escaping @Sendable ([Entry.Kind]) -> StoreError?) {
        state.withLock { $0.fails = error }
    }

    public func append(_ append: SessionAppend) async throws(StoreError) {
        let kinds = append.entries.map(\.kind)
        if let error = state.withLock({ $0.fails })(kinds) { throw error }
        try await memory.append(append)
        state.withLock { $0.appends.append(kinds) }
    }

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
