import MeerkatCore
import MeerkatEngine
import MeerkatJSON
import MeerkatProviders
import MeerkatStorage
import MeerkatTesting
import Testing

/// What a process may do to a session that another one has, or may have.
@Suite struct Ownership {
    private static let left = ToolProcess(pid: 4711, startTime: 1, boot: "b")

    /// A session in which a process runs a turn that does not end.
    private static func withRunningSession(
        _ body: (SessionID, MemorySessionStore, TestProcess) async throws -> Void
    ) async throws {
        let journals = MemorySessionStore()
        let one = TestProcess(journals, ScriptedProvider(.text("1"), .silence(after: "So far")))
        let session = try await one.session()
        let events = EventNames()
        let running = Task { try await one.turn(session, events: events) }
        _ = await events.run
        let others = journals.otherProcess()
        try await body(session, journals, TestProcess(others, ScriptedProvider(.text("x")), hasEnded: { _ in false }))
        _ = try await one.directory.interrupt(session, run: nil)
        await #expect(throws: SessionError.self) { try await running.value }
    }

    private static func refusals(_ other: TestProcess, _ session: SessionID) async -> [SessionError.Cause?] {
        [
            await other.refusal { () throws(SessionError) in try await other.turn(session) },
            await other.refusal { () throws(SessionError) in
                _ = try await other.directory.resumeTurn(in: session, run: nil, events: IgnoringEventSink())
            },
            await other.refusal { () throws(SessionError) in
                _ = try await other.directory.compact(session, events: IgnoringEventSink())
            },
            await other.refusal { () throws(SessionError) in try await other.directory.archive(session) },
            await other.refusal { () throws(SessionError) in try await other.directory.delete(session) },
        ]
    }

    @Test func aSessionThatAnotherProcessRunsIsRefusedAtOnceAndLeftAlone() async throws {
        try await Self.withRunningSession { session, journals, other in
            let before = try journals.entries(of: session, after: 0, limit: 100)
            #expect(
                await Self.refusals(other, session)
                    == Array(repeating: SessionError.Cause.store(.ownedElsewhere), count: 5))
            #expect(try journals.entries(of: session, after: 0, limit: 100) == before)
            #expect(other.deeds.ended == [])
            #expect(other.provider.requests.isEmpty)
            #expect(try await other.directory.interrupt(session, run: nil) == .otherRun)
            #expect(try other.directory.session(session).state == .running)
        }
    }

    @Test func anOwnerThatCannotBeExaminedIsNotTakenForDead() async throws {
        try await Self.withRunningSession { session, journals, other in
            let before = try journals.entries(of: session, after: 0, limit: 100)
            journals.appear(as: .unknown)
            for cause in await Self.refusals(other, session) {
                guard case .store(.ownerUnknown) = cause else {
                    Issue.record("not refused: \(String(describing: cause))")
                    continue
                }
            }
            #expect(try journals.entries(of: session, after: 0, limit: 100) == before)
            #expect(try await other.directory.interrupt(session, run: nil) == .otherRun)
            #expect(try other.directory.session(session).state == .running, "it is not called interrupted")
            journals.appear(as: .otherProcess)
        }
    }

    /// A session whose journal names a process that was started by `owner`.
    private static func session(in store: MemorySessionStore, process: ToolProcess) async throws -> SessionID {
        let id = SessionID(RandomIDGenerator().uniqueID(at: TestClock.start))
        var state = SessionState(id: id)
        var entries: [Entry] = []
        for kind in [
            Entry.Kind.sessionCreated(SessionOptions(), origin: nil), .processStarted(toolUseID: "call", process),
        ] {
            let entry = Entry(seq: state.lastSeq + 1, at: TestClock.start, run: nil, kind: kind)
            state.apply(entry)
            entries.append(entry)
        }
        try await store.append(
            SessionAppend(session: id, entries: entries, summary: SessionSummary(state), ownership: .momentary))
        return id
    }

    @Test func theJobOfALivingProcessIsNeitherEndedNorWaitedFor() async throws {
        let journals = MemorySessionStore()
        var process = Self.left
        let owner = try await journals.claim(try await Self.session(in: journals, process: process), expecting: 3).owner
        process.owner = owner
        let session = try await Self.session(in: journals, process: process)
        let other = TestProcess(
            journals.otherProcess(), ScriptedProvider(.text("At once.")), hasEnded: { _ in false })
        #expect(try await other.turn(session).text == "At once.")
        #expect(other.deeds.ended == [])
    }

    @Test func theProcessOfADeadOneIsEndedUnderAClaim() async throws {
        let dead = MemorySessionStore()
        var process = Self.left
        process.owner = try await dead.claim(try await Self.session(in: dead, process: process), expecting: 3).owner
        let session = try await Self.session(in: dead, process: process)
        dead.appear(as: .dead)
        let store = RecordingStore(dead.otherProcess())
        let clock = TestClock()
        let ended = AsyncLatch<Void>()
        let other = TestProcess(
            store, ScriptedProvider(.text("Then.")), clock: clock,
            hasEnded: { _ in
                ended.isOpen
            })
        let turn = Task { try await other.turn(session) }
        for _ in 0..<20 {
            await clock.waitForTimer(after: .milliseconds(100))
            clock.advance(by: .milliseconds(100))
        }
        while other.deeds.ended.isEmpty { await Task.yield() }
        ended.open(())
        await clock.waitForTimer(after: .milliseconds(100))
        clock.advance(by: .milliseconds(100))
        #expect(try await turn.value.text == "Then.")
        #expect(other.deeds.ended == [process])
        #expect(store.claims == [session])
        #expect(try store.session(session)?.owner == .nobody)
    }

    @Test func aProcessWhoseOwnerIsUnknownIsNotEnded() async throws {
        let journals = MemorySessionStore()
        let session = try await Self.session(in: journals, process: Self.left)
        let clock = TestClock()
        let other = TestProcess(journals, ScriptedProvider(.text("Never.")), clock: clock, hasEnded: { _ in false })
        let turn = Task { try await other.turn(session) }
        for _ in 0..<50 {
            await clock.waitForTimer(after: .milliseconds(100))
            clock.advance(by: .milliseconds(100))
        }
        await #expect(throws: SessionError(.processesLeft([4711]), session: session)) {
            do { _ = try await turn.value } catch let error as SessionError {
                throw SessionError(error.cause, session: error.session)
            }
        }
        #expect(other.deeds.ended == [])
        #expect(try journals.session(session)?.owner == .nobody, "the claim was given up")
    }

    @Test func whoHasLostASessionEndsWithAConflictAndNoTerminalEvent() async throws {
        let journals = MemorySessionStore()
        let one = TestProcess(
            journals, ScriptedProvider(.text("1"), .toolCall("held", arguments: "{}")), tools: [HeldTool()])
        let session = try await one.session()
        let events = EventNames()
        let running = Task { try await one.turn(session, events: events) }
        _ = await events.run
        while one.provider.requests.count < 2 { await Task.yield() }
        // The others see a dead process, as after a lock file was removed by hand.
        journals.appear(as: .dead)
        let other = TestProcess(journals.otherProcess(), ScriptedProvider(.text("Mine now.")))
        #expect(try await other.turn(session).text == "Mine now.")
        let entries = try journals.entries(of: session, after: 0, limit: 100)
        _ = try await one.directory.interrupt(session, run: nil)
        await #expect(throws: SessionError.self) { try await running.value }
        #expect(try journals.entries(of: session, after: 0, limit: 100) == entries)
        #expect(events.ends == [])
    }
}

/// A tool that ends when it is cancelled.
struct HeldTool: Tool {
    let definition = ToolDefinition(name: "held", description: "Waits.", inputSchema: .emptyObject)

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        _ = await AsyncLatch<Void>().valueUnlessCancelled
        throw .interrupted("cancelled")
    }
}
