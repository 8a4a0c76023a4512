public import MeerkatCore
internal import MeerkatJSON
internal import Synchronization

/// Keeps journals in memory, for tests and for `--ephemeral`; nothing survives the process.
public final class MemorySessionStore: SessionStore {
    private struct Session {
        var summary: SessionSummary
        var entries: [[UInt8]] = []
        var isOwned = false
    }

    private struct State {
        var sessions: [SessionID: Session] = [:]
        var runs: [RunID: SessionID] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public func append(_ append: SessionAppend) async throws(StoreError) {
        let bodies = append.entries.map(\.jsonBytes)
        let result: Result<Void, StoreError> = state.withLock { state in
            let found = state.sessions[append.session]
            let expected = append.entries[0].seq
            guard (found?.entries.count ?? 0) + 1 == expected else {
                return .failure(found == nil ? .notFound : .conflict)
            }
            var session = found ?? Session(summary: append.summary)
            switch append.ownership {
            case .take: session.isOwned = true
            case .keep, .release:
                guard session.isOwned else { return .failure(.conflict) }
                session.isOwned = append.ownership == .keep
            case .ignore: break
            }
            if let run = append.newRun {
                guard state.runs[run] == nil else { return .failure(.duplicateRun) }
                state.runs[run] = append.session
            }
            session.summary = append.summary
            session.entries += bodies
            state.sessions[append.session] = session
            return .success(())
        }
        try result.get()
    }

    public func session(_ id: SessionID) throws(StoreError) -> StoredSession? {
        state.withLock { $0.sessions[id].map(Self.stored) }
    }

    private static func stored(_ session: Session) -> StoredSession {
        StoredSession(summary: session.summary, owner: session.isOwned ? .thisProcess : .nobody)
    }

    public func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        let bodies = state.withLock { $0.sessions[id]?.entries.dropFirst(max(seq, 0)).prefix(limit) ?? [] }
        var entries: [Entry.Stored] = []
        for body in bodies {
            let parsed: Result<Entry.Stored, JSONError> = body.withUnsafeBytes { bytes in
                Result { () throws(JSONError) in try Entry.read(bytes) }
            }
            switch parsed {
            case .success(let entry): entries.append(entry)
            case .failure(let error): throw .corrupt("session \(id): \(error)")
            }
        }
        return entries
    }

    public func session(ofRun run: RunID) throws(StoreError) -> SessionID? {
        state.withLock { $0.runs[run] }
    }

    public func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        let all = state.withLock { $0.sessions.values.filter { !$0.summary.isArchived }.map(Self.stored) }
        let sorted = all.sorted { left, right in
            (left.summary.updatedAt, left.summary.id) > (right.summary.updatedAt, right.summary.id)
        }
        let rest = sorted.drop { stored in
            guard let cursor else { return false }
            return (stored.summary.updatedAt, stored.summary.id) >= (cursor.updatedAt, cursor.id)
        }
        return Array(rest.prefix(limit))
    }

    public func delete(_ id: SessionID) async throws(StoreError) {
        state.withLock { state in
            state.sessions[id] = nil
            state.runs = state.runs.filter { $0.value != id }
        }
    }

    public func close() async {}
}
