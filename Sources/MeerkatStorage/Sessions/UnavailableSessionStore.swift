public import MeerkatCore

/// A store whose place is not known; whatever it is asked fails with the reason.
public final class UnavailableSessionStore: SessionStore {
    private let error: StoreError

    public init(_ error: StoreError) {
        self.error = error
    }

    public func append(_ append: SessionAppend) async throws(StoreError) -> Claim? { throw error }
    public func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim { throw error }
    public func release(_ claim: Claim, on id: SessionID) async throws(StoreError) { throw error }
    public func state(ofOwner owner: UniqueID) -> OwnerState { .unknown }
    public func session(_ id: SessionID) throws(StoreError) -> StoredSession? { throw error }
    public func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        throw error
    }
    public func session(ofRun run: RunID) throws(StoreError) -> SessionID? { throw error }
    public func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] { throw error }
    public func delete(_ id: SessionID) async throws(StoreError) { throw error }
    public func close() async {}
}
