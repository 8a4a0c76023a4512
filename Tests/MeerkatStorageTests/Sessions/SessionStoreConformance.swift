import MeerkatCore
import MeerkatJSON
import MeerkatStorage
import Testing

/// What every session store must do.
@Suite struct SessionStores {
    enum Kind: String, CaseIterable, Sendable {
        case memory, sqlite
    }

    /// Runs `body` with a new store in a folder of its own.
    static func withStore(_ kind: Kind, _ body: (any SessionStore) async throws -> Void) async throws {
        switch kind {
        case .memory: try await body(MemorySessionStore())
        case .sqlite:
            try await withTemporaryDirectory { directory in
                let store = SQLiteSessionStore(directory: directory)
                try await body(store)
                await store.close()
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func whatIsAppendedIsReadBackInOrder(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            #expect(try await store.append(writer.end(run: 1, text: "Hi", under: claim)) == nil)
            let entries = try store.entries(of: writer.id, after: 0, limit: 100)
            #expect(entries == writer.entries.map { .entry($0) })
            #expect(try store.entries(of: writer.id, after: 2, limit: 2) == writer.entries[2..<4].map { .entry($0) })
            #expect(
                try store.session(writer.id)
                    == StoredSession(summary: SessionSummary(writer.state), owner: .nobody, nextSeq: 6))
            #expect(try store.session(ofRun: writer.run(1)) == writer.id)
        }
    }

    @Test(arguments: Kind.allCases)
    func anUnknownSessionIsNotThere(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            let writer = JournalWriter(7)
            let found = try store.session(writer.id)
            #expect(found == nil)
            #expect(try store.entries(of: writer.id, after: 0, limit: 10) == [])
            #expect(try store.session(ofRun: writer.run(1)) == nil)
            #expect(try store.list(after: nil, limit: 10) == [])
        }
    }

    @Test(arguments: Kind.allCases)
    func anAppendAtTheWrongPlaceIsAConflictAndChangesNothing(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            var other = writer
            try await store.append(writer.end(run: 1, text: "Hi", under: claim))
            await #expect(throws: StoreError.conflict) {
                try await store.append(other.end(run: 1, text: "Ho", under: claim))
            }
            var late = JournalWriter(1)
            await #expect(throws: StoreError.conflict) { try await store.append(late.begin(run: 3, prompt: "Ho")) }
            #expect(try store.entries(of: writer.id, after: 0, limit: 100) == writer.entries.map { .entry($0) })
        }
    }

    @Test(arguments: Kind.allCases)
    func aRunIDIsUsedOnce(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            try await store.append(writer.begin(run: 1, prompt: "Hello"))
            var other = JournalWriter(2)
            let append = other.begin(run: 1, prompt: "Hello", runOf: writer)
            await #expect(throws: StoreError.duplicateRun) { try await store.append(append) }
            #expect(try store.session(other.id) == nil)
        }
    }

    @Test(arguments: Kind.allCases)
    func onlyTheOwnerGoesOn(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            #expect(try store.session(writer.id)?.owner == .thisProcess)
            #expect(store.state(ofOwner: claim.owner) == .thisProcess)
            try await store.append(writer.end(run: 1, text: "Hi", under: claim))
            #expect(try store.session(writer.id)?.owner == .nobody)
            var late = writer
            await #expect(throws: StoreError.conflict) {
                try await store.append(late.end(run: 1, text: "late", under: claim))
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func aNewClaimEndsTheOneBefore(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            let first = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            let second = try await store.claim(writer.id, expecting: 4)
            #expect(second == Claim(owner: first.owner, fence: first.fence + 1))
            var late = writer
            await #expect(throws: StoreError.conflict) {
                try await store.append(late.end(run: 1, text: "late", under: first))
            }
            try await store.release(first, on: writer.id)
            #expect(try store.session(writer.id)?.owner == .thisProcess, "a lost claim gives nothing up")
            try await store.append(writer.end(run: 1, text: "Hi", under: second))
        }
    }

    @Test(arguments: Kind.allCases)
    func aClaimIsTakenOfACurrentSessionOnlyAndGivenUp(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            await #expect(throws: StoreError.notFound) { try await store.claim(writer.id, expecting: 1) }
            let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            try await store.append(writer.end(run: 1, text: "Hi", under: claim))
            await #expect(throws: StoreError.conflict) { try await store.claim(writer.id, expecting: 5) }
            let taken = try await store.claim(writer.id, expecting: 6)
            try await store.release(taken, on: writer.id)
            #expect(try store.session(writer.id)?.owner == .nobody)
            #expect(try await store.append(writer.archive()) == nil, "an append for itself keeps no claim")
        }
    }

    @Test(arguments: Kind.allCases)
    func listsAreOrderedByUpdateAndPaged(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var ids: [SessionID] = []
            for number in 1...5 {
                var writer = JournalWriter(UInt64(number), at: Int64(number) * 1000)
                let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "x")))
                ids.append(writer.id)
                if number == 3 {
                    try await store.release(claim, on: writer.id)
                    try await store.append(writer.archive())
                }
            }
            let first = try store.list(after: nil, limit: 2).map(\.summary)
            #expect(first.map(\.id) == [ids[4], ids[3]])
            let last = try #require(first.last)
            let second = try store.list(after: SessionCursor(updatedAt: last.updatedAt, id: last.id), limit: 10)
            #expect(second.map(\.summary.id) == [ids[1], ids[0]])
        }
    }

    @Test(arguments: Kind.allCases)
    func aDeletedSessionLeavesNothing(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            var writer = JournalWriter(1)
            var neighbour = JournalWriter(2)
            try await store.append(writer.begin(run: 1, prompt: "secret"))
            try await store.append(neighbour.begin(run: 1, prompt: "kept"))
            try await store.delete(writer.id)
            #expect(try store.session(writer.id) == nil)
            #expect(try store.entries(of: writer.id, after: 0, limit: 10) == [])
            #expect(try store.session(ofRun: writer.run(1)) == nil)
            #expect(try store.entries(of: neighbour.id, after: 0, limit: 10).count == neighbour.entries.count)
            try await store.delete(writer.id)
        }
    }

    @Test(arguments: Kind.allCases)
    func manyAppendsAtOnceAreAllKept(kind: Kind) async throws {
        try await Self.withStore(kind) { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...64 {
                    group.addTask {
                        var writer = JournalWriter(UInt64(number))
                        let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "x")))
                        try await store.append(writer.end(run: 1, text: "y", under: claim))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try store.list(after: nil, limit: 100).count == 64)
        }
    }
}

/// Writes a journal the way a run does.
struct JournalWriter: Sendable {
    let number: UInt64
    private(set) var state: SessionState
    private(set) var entries: [Entry] = []
    private let time: Timestamp

    init(_ number: UInt64, at milliseconds: Int64 = 0) {
        self.number = number
        state = SessionState(id: SessionID(UniqueID(high: 0x7000, low: 0x8000_0000_0000_0000 | number)))
        time = Timestamp(milliseconds: milliseconds)
    }

    var id: SessionID { state.id }

    func run(_ run: UInt64) -> RunID { RunID(UniqueID(high: number, low: run)) }

    private mutating func add(
        _ kinds: [(Entry.Kind, RunID?)], _ ownership: SessionAppend.Ownership, newRun: RunID? = nil
    ) -> SessionAppend {
        var added: [Entry] = []
        for (kind, run) in kinds {
            let entry = Entry(seq: state.lastSeq + 1, at: time, run: run, kind: kind)
            state.apply(entry)
            added.append(entry)
        }
        entries += added
        return SessionAppend(
            session: id, entries: added, summary: SessionSummary(state), ownership: ownership, newRun: newRun)
    }

    mutating func begin(run: UInt64, prompt: String, runOf other: JournalWriter? = nil) -> SessionAppend {
        let run = (other ?? self).run(run)
        var kinds: [(Entry.Kind, RunID?)] = []
        if state.lastSeq == 0 { kinds.append((.sessionCreated(SessionOptions(model: "m"), origin: nil), nil)) }
        kinds.append((.runStarted(prompt: [.text(prompt)], overrides: nil), run))
        let call = ModelCall(call: 0, purpose: .turn, attempt: 1, provider: "p", model: "m", endpoint: "e")
        kinds.append((.modelCalled(call), run))
        return add(kinds, .take, newRun: run)
    }

    mutating func end(run: UInt64, text: String, under claim: Claim) -> SessionAppend {
        let result = RunResult(
            session: id, run: self.run(run), text: text, turns: 1, toolCalls: 0, usage: Usage(), provider: "p",
            model: "m", endpoint: "e")
        return add(
            [
                (.modelAnswered(call: 0, blocks: [.text(text)], stopReason: .endTurn, usage: nil), self.run(run)),
                (.runFinished(.completed(result)), self.run(run)),
            ], .release(claim))
    }

    mutating func archive() -> SessionAppend { add([(.archived, nil)], .momentary) }
}
