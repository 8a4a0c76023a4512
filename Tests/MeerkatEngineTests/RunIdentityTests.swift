import MeerkatCore
import MeerkatEngine
import MeerkatProviders
import MeerkatStorage
import MeerkatTesting
import Testing

/// Ids of runs that clients choose, and the one end that a run has.
@Suite struct RunIdentities {
    private static let run = RunID(UniqueID(high: 1, low: 2))

    @Test func anIdIsReservedBeforeAnythingIsWaitedFor() async throws {
        let found = AsyncLatch<Void>()
        let process = TestProcess(
            MemorySessionStore(), ScriptedProvider(.text("once")), resolving: { await found.value })
        func ask() -> Task<RunResult, any Error> {
            Task {
                try await process.directory.createSession(
                    SessionOptions(), prompt: [.text("a")], run: Self.run, events: IgnoringEventSink())
            }
        }
        let first = ask()
        let second = ask()
        for _ in 0..<100 { await Task.yield() }
        found.open(())
        let results = [try await first.value, try await second.value]
        #expect(results[0] == results[1])
        #expect(process.provider.requests.count == 1)
    }

    @Test func aRunThatLooksForItsModelIsSeenByAShutdown() async throws {
        let process = TestProcess(
            MemorySessionStore(), ScriptedProvider(.text("never")),
            resolving: { _ = await AsyncLatch<Void>().valueUnlessCancelled })
        let asked = Task {
            try await process.directory.createSession(
                SessionOptions(), prompt: [.text("a")], run: Self.run, events: IgnoringEventSink())
        }
        for _ in 0..<100 { await Task.yield() }
        await process.directory.close(grace: .zero)
        await #expect(throws: SessionError.self) { try await asked.value }
    }

    @Test func anEndThatCannotBeStoredIsNotAnnounced() async throws {
        let store = RecordingStore()
        let process = TestProcess(store, ScriptedProvider(.text("1"), .text("lost"), .text("kept")))
        let session = try await process.session()
        store.fail { kinds in kinds.contains { $0.name == "runFinished" } ? .diskFull : nil }
        let events = EventNames()
        await #expect(
            throws: SessionError(.endNotStored(.diskFull), session: session, run: Self.run)
        ) { try await process.turn(session, run: Self.run, events: events) }
        #expect(events.ends == [])
        store.fail { _ in nil }
        #expect(try process.directory.session(session).state == .interrupted)
        let result = try await process.directory.resumeTurn(in: session, run: Self.run, events: events)
        #expect(result.text == "kept")
        #expect(events.ends.count == 1)
        #expect(try await process.turn(session, run: Self.run) == result)
    }

    @Test func aClaimOutlivesAStoreThatFailsOnlyUntilItWorksAgain() async throws {
        let journals = MemorySessionStore()
        let store = RecordingStore(journals)
        let clock = TestClock()
        let process = TestProcess(store, ScriptedProvider(.text("1"), .text("lost")), clock: clock)
        let session = try await process.session()
        store.fail { kinds in kinds.isEmpty || kinds.contains { $0.name == "runFinished" } ? .busy : nil }
        await #expect(throws: SessionError.self) { try await process.turn(session) }
        let other = TestProcess(journals.otherProcess(), ScriptedProvider(.text("taken over")))
        #expect(
            await other.refusal { () throws(SessionError) in try await other.turn(session) } == .store(.ownedElsewhere))
        store.fail { _ in nil }
        await clock.waitForTimer(after: .milliseconds(250))
        clock.advance(by: .milliseconds(250))
        while try journals.session(session)?.owner != .nobody { await Task.yield() }
        #expect(try await other.turn(session).text == "taken over")
    }
}
