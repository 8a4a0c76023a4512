public import MeerkatCore
internal import MeerkatJSON
internal import Synchronization

/// Keeps journals in memory, for tests and for `--ephemeral`; nothing survives the process.
///
/// Several stores can share the same journals, each as another owner: that is how tests run several processes in one.
public final class MemorySessionStore: SessionStore {
    private struct Session {
        var summary: SessionSummary
        var entries: [[UInt8]] = []
        var owner: UniqueID?
        var fence: Int64 = 0
    }

    private struct Journals {
        var sessions: [SessionID: Session] = [:]
        var runs: [RunID: SessionID] = [:]
        /// How each owner is.
        var owners: [UniqueID: OwnerState] = [:]
    }

    private final class Shared: Sendable {
        let journals = Mutex(Journals())
    }

    private let shared: Shared
    private let owner: UniqueID

    public convenience init() {
        self.init(Shared())
    }

    private init(_ shared: Shared) {
        self.shared = shared
        owner = shared.journals.withLock { journals in
            let owner = UniqueID(high: 0, low: UInt64(journals.owners.count + 1))
            journals.owners[owner] = .otherProcess
            return owner
        }
    }

    /// The same journals as another process sees them.
    public func otherProcess() -> MemorySessionStore { MemorySessionStore(shared) }

    /// Lets the others see this owner as a process that is `dead`, alive (`otherProcess`), `unknown` or without a trace.
    public func appear(as state: OwnerState) {
        shared.journals.withLock { $0.owners[owner] = state }
    }

    private func state(of id: UniqueID?, _ journals: Journals) -> OwnerState {
        guard let id else { return .nobody }
        return id == owner ? .thisProcess : journals.owners[id] ?? .nobody
    }

    private func requireFree(_ id: UniqueID?, _ journals: Journals) throws(StoreError) {
        switch state(of: id, journals) {
        case .nobody, .dead, .thisProcess: return
        case .otherProcess: throw .ownedElsewhere
        case .unknown: throw .ownerUnknown("the test says so")
        }
    }

    private func change<T: Sendable>(
        _ body: (inout Journals) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try shared.journals.withLock { (journals) throws(StoreError) in try body(&journals) }
    }

    // MARK: Writing

    @discardableResult
    public func append(_ append: SessionAppend) async throws(StoreError) -> Claim? {
        let bodies = append.entries.map(\.jsonBytes)
        return try change { (journals) throws(StoreError) in
            let found = journals.sessions[append.session]
            var session = found ?? Session(summary: append.summary)
            switch append.ownership {
            case .take, .momentary:
                try requireFree(session.owner, journals)
                session.owner = append.ownership == .take ? owner : nil
                session.fence += 1
            case .hold(let claim), .release(let claim):
                guard found != nil else { throw .notFound }
                guard session.owner == claim.owner, session.fence == claim.fence else { throw .conflict }
                if case .release = append.ownership { session.owner = nil }
            }
            guard session.entries.count + 1 == append.entries[0].seq else {
                throw found == nil ? .notFound : .conflict
            }
            if let run = append.newRun {
                guard journals.runs[run] == nil else { throw .duplicateRun }
                journals.runs[run] = append.session
            }
            session.summary = append.summary
            session.entries += bodies
            journals.sessions[append.session] = session
            return session.owner.map { Claim(owner: $0, fence: session.fence) }
        }
    }

    public func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim {
        try change { (journals) throws(StoreError) in
            guard var session = journals.sessions[id] else { throw .notFound }
            try requireFree(session.owner, journals)
            guard session.entries.count + 1 == nextSeq else { throw .conflict }
            session.owner = owner
            session.fence += 1
            journals.sessions[id] = session
            return Claim(owner: owner, fence: session.fence)
        }
    }

    public func release(_ claim: Claim, on id: SessionID) async throws(StoreError) {
        try change { (journals) throws(StoreError) in
            guard let session = journals.sessions[id], session.owner == claim.owner, session.fence == claim.fence else {
                return
            }
            journals.sessions[id]?.owner = nil
        }
    }

    public func delete(_ id: SessionID) async throws(StoreError) {
        try change { (journals) throws(StoreError) in
            try requireFree(journals.sessions[id]?.owner, journals)
            journals.sessions[id] = nil
            journals.runs = journals.runs.filter { $0.value != id }
        }
    }

    public func close() async { appear(as: .nobody) }

    // MARK: Reading

    public func state(ofOwner owner: UniqueID) -> OwnerState { shared.journals.withLock { state(of: owner, $0) } }

    public func session(_ id: SessionID) throws(StoreError) -> StoredSession? {
        shared.journals.withLock { journals in journals.sessions[id].map { stored($0, journals) } }
    }

    private func stored(_ session: Session, _ journals: Journals) -> StoredSession {
        StoredSession(
            summary: session.summary, owner: state(of: session.owner, journals), nextSeq: session.entries.count + 1)
    }

    public func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        let bodies = shared.journals.withLock {
            $0.sessions[id]?.entries.dropFirst(max(seq, 0)).prefix(limit) ?? []
        }
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
        shared.journals.withLock { $0.runs[run] }
    }

    public func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        let all = shared.journals.withLock { journals in
            journals.sessions.values.filter { !$0.summary.isArchived }.map { stored($0, journals) }
        }
        let sorted = all.sorted { left, right in
            (left.summary.updatedAt, left.summary.id) > (right.summary.updatedAt, right.summary.id)
        }
        let rest = sorted.drop { stored in
            guard let cursor else { return false }
            return (stored.summary.updatedAt, stored.summary.id) >= (cursor.updatedAt, cursor.id)
        }
        return Array(rest.prefix(limit))
    }
}
