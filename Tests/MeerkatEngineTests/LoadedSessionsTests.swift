import MeerkatCore
import MeerkatEngine
import MeerkatProviders
import MeerkatStorage
import MeerkatTesting
import Testing

/// What a process has loaded of a session is compared with the journal before it is relied on.
@Suite struct LoadedSessions {
    private static func texts(_ count: Int) -> ScriptedProvider {
        ScriptedProvider(steps: (1...count).map { .text("answer \($0) " + String(repeating: "x", count: 200)) })
    }

    @Test func aSummaryIsMadeOfWhatAnotherProcessHasAdded() async throws {
        let journals = MemorySessionStore()
        let one = TestProcess(journals, Self.texts(2))
        let other = TestProcess(journals.otherProcess(), Self.texts(3))
        let session = try await one.session()
        // As far as the first process knows there is nothing to summarize.
        for _ in 0..<3 { try await other.turn(session) }
        #expect(try await one.directory.compact(session, events: IgnoringEventSink()) != nil)
    }

    @Test func aRunThatWasCutOffElsewhereIsResumedHere() async throws {
        let journals = MemorySessionStore()
        let here = TestProcess(journals.otherProcess(), ScriptedProvider(.text("1"), .text("resumed")))
        let session = try await here.session()
        let there = TestProcess(journals, ScriptedProvider(.silence(after: "So far")))
        let events = EventNames()
        let cutOff = Task { try await there.turn(session, events: events) }
        let run = await events.run.run
        journals.appear(as: .dead)
        let result = try await here.directory.resumeTurn(in: session, run: nil, events: IgnoringEventSink())
        #expect(result.text == "resumed")
        #expect(result.run == run)
        cutOff.cancel()
        await #expect(throws: SessionError.self) { try await cutOff.value }
    }

    @Test func aSessionThatAnotherProcessHasChangedIsArchived() async throws {
        let journals = MemorySessionStore()
        let one = TestProcess(journals, Self.texts(1))
        let other = TestProcess(journals.otherProcess(), Self.texts(3))
        let session = try await one.session()
        try await other.turn(session)
        try await one.directory.archive(session)
        #expect(await other.refusal { () throws(SessionError) in try await other.turn(session) } == .notFound)
        #expect(other.directory.openSessions() == [])
    }

    @Test func aMessageWaitsUntilAnotherProcessHasEndedItsRun() async throws {
        let journals = MemorySessionStore()
        let clock = TestClock()
        let one = TestProcess(journals, Self.texts(1), clock: clock)
        let session = try await one.session()
        let other = TestProcess(journals.otherProcess(), ScriptedProvider(.silence(after: "So far")))
        let events = EventNames()
        let running = Task { try await other.turn(session, events: events) }
        _ = await events.run
        await one.deeds.post("the job is over")
        #expect(try Self.messages(journals, session) == [])
        _ = try await other.directory.interrupt(session, run: nil)
        await #expect(throws: SessionError.self) { try await running.value }
        await clock.waitForTimer(after: .milliseconds(250))
        clock.advance(by: .milliseconds(250))
        while try Self.messages(journals, session).isEmpty { await Task.yield() }
        #expect(try Self.messages(journals, session) == ["the job is over"])
    }

    @Test func aMessageThatCannotBeStoredIsKeptForTheNextTurn() async throws {
        let store = RecordingStore()
        let process = TestProcess(store, Self.texts(2))
        let session = try await process.session()
        store.fail { _ in .busy }
        await process.deeds.post("the job is over")
        store.fail { _ in nil }
        try await process.turn(session)
        #expect(try Self.messages(store, session) == ["the job is over"])
    }

    @Test func messagesAreStoredInASessionThatAnotherProcessHasChanged() async throws {
        let journals = MemorySessionStore()
        let one = TestProcess(journals, Self.texts(1))
        let session = try await one.session()
        let other = TestProcess(journals.otherProcess(), Self.texts(1))
        try await other.turn(session)
        await one.deeds.post("the job is over")
        #expect(try Self.messages(journals, session) == ["the job is over"])
    }

    private static func messages(_ store: any SessionStore, _ session: SessionID) throws -> [String] {
        try store.entries(of: session, after: 0, limit: 1000).compactMap { stored in
            guard case .entry(let entry) = stored, case .messageAdded(_, let blocks) = entry.kind else { return nil }
            return blocks.joinedText
        }
    }
}
