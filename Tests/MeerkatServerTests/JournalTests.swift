import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Journal {
    @Test func aPlainTurnCostsTwoCommits() async throws {
        let store = RecordingStore()
        try await withTestClient(ScriptedProvider(.text("1"), .text("2")), store: store) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "a"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "b"])
        }
        #expect(
            store.appends.map { $0.map(\.name) } == [
                ["sessionCreated", "contextSet", "runStarted", "modelCalled"], ["modelAnswered", "runFinished"],
                ["runStarted", "modelCalled"], ["modelAnswered", "runFinished"],
            ])
    }

    @Test func aToolStepIsJournaledBeforeAndAfterItsEffects() async throws {
        let store = RecordingStore()
        let provider = ScriptedProvider(
            .toolCalls((id: "a", name: "slow", arguments: "{}"), (id: "b", name: "fast", arguments: "{}")), .text("ok"))
        let slow = RecordingTool(name: "slow", isHeld: true)
        try await withTestClient(provider, store: store, tools: [slow, RecordingTool(name: "fast")]) { client in
            let request = client.request("session/create", ["prompt": "a"])
            await client.waitForEvent("tool_execution_completed")
            #expect(
                store.appends.dropFirst().map { $0.map(\.name) } == [
                    ["modelAnswered", "toolStarted", "toolStarted"], ["toolFinished"],
                ])
            slow.release()
            try await client.answer(request)
        }
        #expect(
            store.appends.dropFirst(3).map { $0.map(\.name) } == [
                ["toolFinished", "modelCalled"], ["modelAnswered", "runFinished"],
            ])
    }

    @Test func aRunCutOffByTheEndOfItsProcessIsShownAsInterrupted() async throws {
        let store = RecordingStore()
        let session = try await Self.crash(in: store)
        let before = store.appends.count
        try await withTestClient(ScriptedProvider(), store: store) { client in
            let shown = try await client.call("session/read", ["session_id": session])
            #expect(shown["state"] == "interrupted")
            let history = try await client.call("session/history", ["session_id": session])
            let last = try #require(history["messages"]?.array?.last)
            #expect(last["computed"] == true)
            #expect(last["results"]?.array?.first?["origin"] == "closed_effect_unknown")
        }
        #expect(store.appends.count == before, "reading writes nothing")
    }

    /// Leaves a journal as a process does that died while a tool was running.
    private static func crash(in store: RecordingStore) async throws -> JSONValue {
        let provider = ScriptedProvider(.toolCall("launch", arguments: "{}"))
        var session = JSONValue.null
        try await withTestClient(
            provider, store: store, ids: RandomIDGenerator(), tools: [RecordingTool(name: "launch", isHeld: true)]
        ) { client in
            _ = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            session = client.events[0]["session_id"] ?? .null
            // From here on nothing is stored any more.
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        return session
    }

    @Test func theNextTurnOfACrashedSessionHasAValidHistory() async throws {
        let store = RecordingStore()
        let session = try await Self.crash(in: store)
        let provider = ScriptedProvider(.text("Going on."))
        try await withTestClient(provider, store: store) { client in
            try await client.call("turn/start", ["session_id": session, "prompt": "And now?"])
            #expect(provider.histories.count == 1)
            #expect(
                provider.histories[0].hasSuffix(
                    #"{"results":["call_1:{\"error\":\"interrupted\",\"message\":\"The call was interrupted; whether it had its effect is unknown.\"}"],"user":["And now?"]}]"#
                ))
            let last = store.appends.suffix(2).map { $0.map(\.name) }
            #expect(
                last == [
                    ["toolFinished", "runFinished", "contextSet", "runStarted", "modelCalled"],
                    ["modelAnswered", "runFinished"],
                ])
        }
    }

    @Test func aFailingEndOfARunIsAnErrorAndTheServerLivesOn() async throws {
        let store = RecordingStore()
        store.fail { kinds in kinds.contains { $0.name == "runFinished" } ? .diskFull : nil }
        let provider = ScriptedProvider(.text("lost"), .text("kept"))
        try await withTestClient(provider, store: store) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "a"]))
            #expect(failure.code == -32013)
            #expect(failure.details == ["reason": "store", "store": "store_full"])
            #expect(!client.eventNames.contains { $0 == "run_failed" || $0 == "run_completed" })
            store.fail { _ in nil }
            let session = try #require(failure.session)
            let result = try await client.call("turn/start", ["session_id": .string(session), "prompt": "b"])
            #expect(result["text"] == "kept")
            #expect(provider.histories.last == #"[{"user":["a","b"]}]"#)
        }
    }

    @Test func aSessionThatCannotBeStoredIsNotCreated() async throws {
        let store = RecordingStore()
        store.fail { _ in .readOnly }
        try await withTestClient(ScriptedProvider(.text("x")), store: store) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "a"]))
            #expect(failure.details == ["reason": "store_read_only"])
            #expect(failure.session == nil)
            #expect(client.events == [])
            #expect(try await client.call("session/list") == ["sessions": []])
        }
    }

    @Test func askingTwiceRunsOnce() async throws {
        let run: JSONValue = "01936f8a-7b2c-7000-8000-00000000000a"
        let store = RecordingStore()
        let provider = ScriptedProvider(.text("once"))
        let ids = SequentialIDs()
        var first = JSONValue.null
        try await withTestClient(provider, store: store, ids: ids) { client in
            first = try await client.call("session/create", ["prompt": "a", "run_id": run])
            #expect(try await client.call("session/create", ["prompt": "a", "run_id": run]) == first)
            #expect(try await client.call("session/list")["sessions"]?.array?.count == 1)
        }
        try await withTestClient(provider, store: store, ids: ids) { client in
            #expect(try await client.call("session/create", ["prompt": "a", "run_id": run]) == first)
            let again = try await client.call(
                "turn/start", ["session_id": first["session_id"] ?? .null, "prompt": "a", "run_id": run])
            #expect(again == first)
        }
        #expect(provider.requests.count == 1)
    }

    @Test func askingForARunThatIsGoingOnWaitsForIt() async throws {
        let run: JSONValue = "01936f8a-7b2c-7000-8000-00000000000a"
        let tool = RecordingTool(name: "wait", isHeld: true)
        let provider = ScriptedProvider(.toolCall("wait", arguments: "{}"), .text("done"))
        try await withTestClient(provider, tools: [tool]) { client in
            let first = client.request("session/create", ["prompt": "a", "run_id": run])
            await client.waitForEvent("tool_execution_started")
            let second = client.request("session/create", ["prompt": "a", "run_id": run])
            tool.release()
            let answers = (try await client.answer(first), try await client.answer(second))
            #expect(answers.0 == answers.1)
            #expect(provider.requests.count == 2)
        }
    }

    @Test(arguments: 0..<20)
    func askingTwiceAtOnceRunsOnce(_: Int) async throws {
        let run: JSONValue = "01936f8a-7b2c-7000-8000-00000000000a"
        let provider = ScriptedProvider(.text("a"), .text("b"))
        try await withTestClient(provider) { client in
            let creations = (0..<2).map { _ in
                client.request("session/create", ["prompt": "a", "run_id": run])
            }
            let first = try await client.answer(creations[0])
            #expect(try await client.answer(creations[1]) == first)
            let session = first["session_id"] ?? .null
            let turns = (0..<2).map { _ in
                client.request(
                    "turn/start",
                    ["session_id": session, "prompt": "b", "run_id": "01936f8a-7b2c-7000-8000-00000000000b"])
            }
            let second = try await client.answer(turns[0])
            #expect(try await client.answer(turns[1]) == second)
            #expect(provider.requests.count == 2)
        }
    }

    @Test(arguments: 0..<20)
    func askingAgainDoesNotKeepTheSessionBusy(_: Int) async throws {
        let run: JSONValue = "01936f8a-7b2c-7000-8000-00000000000a"
        try await withTestClient(ScriptedProvider(.text("a"), .text("b"))) { client in
            let first = try await client.call("session/create", ["prompt": "a", "run_id": run])
            let session = first["session_id"] ?? .null
            let again = client.request("turn/start", ["session_id": session, "prompt": "a", "run_id": run])
            let next = client.request("turn/start", ["session_id": session, "prompt": "b"])
            let answers = (try await client.answer(next), try await client.answer(again))
            #expect(answers.0["text"] == "b")
            #expect(answers.1 == first)
        }
    }

    @Test func askingForAnInterruptedRunSaysSo() async throws {
        let store = RecordingStore()
        let session = try await Self.crash(in: store)
        try await withTestClient(ScriptedProvider(.text("x")), store: store) { client in
            let history = try await client.call("session/history", ["session_id": session])
            let run = try #require(history["messages"]?.array?.first?["run_id"])
            let failure = try #require(await client.failure("session/create", ["prompt": "Go", "run_id": run]))
            #expect(failure.details?["state"] == "interrupted")
        }
    }

    @Test func aSessionGoesOnInAnotherProcessWithTheSameBytes() async throws {
        let store = RecordingStore()
        let first = ScriptedProvider(.text("1"), .text("2"))
        var session = JSONValue.null
        try await withTestClient(first, store: store) { client in
            session = try #require(try await client.call("session/create", ["prompt": "a"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "b"])
        }
        let second = ScriptedProvider(.text("3"))
        try await withTestClient(second, store: store) { client in
            _ = try await client.call("turn/start", ["session_id": session, "prompt": "c"])
        }
        let bodies = first.histories + second.histories
        for (earlier, later) in zip(bodies, bodies.dropFirst()) {
            #expect(later.hasPrefix(earlier.dropLast()), "what a provider has cached must go on matching")
        }
    }
}
