import MeerkatCore
import MeerkatEngine
import MeerkatProviders
import MeerkatStorage
import MeerkatTesting
import Synchronization
import Testing

/// What becomes of a session that is deleted while something goes on in it.
@Suite struct DeletedSessions {
    @Test func theRunOfAnArchivedSessionEndsWithItsDeletion() async throws {
        let journals = MemorySessionStore()
        let process = TestProcess(journals, ScriptedProvider(.text("1"), .silence(after: "So far")))
        let session = try await process.session()
        let events = EventNames()
        let running = Task { try await process.turn(session, events: events) }
        _ = await events.run
        try await process.directory.archive(session)
        try await process.directory.delete(session)
        await #expect(throws: SessionError.self) { try await running.value }
        #expect(events.ends.count == 1, "the run ended before its session was gone")
        #expect(try journals.session(session) == nil)
    }

    @Test func noRunBeginsWhileASessionIsDeleted() throws {
        for seed in UInt64(1)...500 {
            let executor = SeededExecutor(seed: seed)
            let (journals, clock) = (MemorySessionStore(), TestClock())
            let process = SimulatedProcess(
                journals, seed: seed, clock: clock, ids: SequentialIDs(), record: ToolRecord(), executor: executor)
            let unfinished = try executor.run(clock) { () -> Int in
                let events = EventNames()
                let prepared = try? await process.directory.prepareSession(SessionOptions(), run: nil)
                guard let session = prepared?.summary.id else { return -1 }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { try? await process.directory.delete(session) }
                    for _ in 0..<3 {
                        group.addTask {
                            _ = try? await process.directory.startTurn(
                                in: session, prompt: [.text("x")], run: nil, events: events)
                        }
                    }
                }
                return events.starts - events.ends.count
            }
            guard unfinished == 0, try journals.list(after: nil, limit: 1) == [] else {
                Issue.record("seed \(seed): \(unfinished) runs have begun and not ended")
                return
            }
        }
    }

    @Test func aForkOfASessionThatIsBeingDeletedIsNotCutShort() async throws {
        let store = VanishingStore()
        let process = TestProcess(store, ScriptedProvider(.text("1")))
        let session = try await process.session()
        store.vanish()
        #expect(
            await process.refusal { () throws(SessionError) in
                _ = try await process.directory.fork(session, at: nil, run: nil)
            } == .notFound)
    }
}

/// A store in which a session is deleted just before its entries are read.
private final class VanishingStore: SessionStore {
    private let memory = MemorySessionStore()
    private let isVanishing = Atomic<Bool>(false)

    func vanish() { isVanishing.store(true, ordering: .relaxed) }

    func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        isVanishing.load(ordering: .relaxed) ? [] : try memory.entries(of: id, after: seq, limit: limit)
    }

    func append(_ append: SessionAppend) async throws(StoreError) -> Claim? { try await memory.append(append) }
    func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim {
        try await memory.claim(id, expecting: nextSeq)
    }
    func release(_ claim: Claim, on id: SessionID) async throws(StoreError) { try await memory.release(claim, on: id) }
    func state(ofOwner owner: UniqueID) -> OwnerState { memory.state(ofOwner: owner) }
    func session(_ id: SessionID) throws(StoreError) -> StoredSession? { try memory.session(id) }
    func session(ofRun run: RunID) throws(StoreError) -> SessionID? { try memory.session(ofRun: run) }
    func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        try memory.list(after: cursor, limit: limit)
    }
    func delete(_ id: SessionID) async throws(StoreError) { try await memory.delete(id) }
    func close() async { await memory.close() }
}
