import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Interrupts {
    @Test func anInterruptedStreamEndsTheTurnAndTheSessionGoesOn() async throws {
        let provider = ScriptedProvider(.silence(after: "Once upon"), .text("Yes."))
        try await withTestClient(provider) { client in
            let request = client.request("session/create", ["prompt": "Tell a story"])
            await client.waitForEvent("text_delta")
            let session = try #require(client.events.first?["session_id"])
            #expect(try await client.call("turn/interrupt", ["session_id": session]) == ["interrupted": true])
            // The run's own answer stands before that of the interrupt.
            let answers = client.lines.filter { $0["method"] == nil }
            #expect(answers.map { $0["id"] } == [1, 2])
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.code == -32013)
            #expect(failure?.details == ["reason": "cancelled"])
            #expect(failure?.session == session.string)
            #expect(client.eventNames.filter { $0.hasPrefix("run_") } == ["run_started", "run_failed"])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "idle")

            let next = try await client.call("turn/start", ["session_id": session, "prompt": "Still there?"])
            #expect(next["text"] == "Yes.")
            #expect(provider.histories.last == #"[{"user":["Tell a story","Still there?"]}]"#)
        }
    }

    @Test func anInterruptedToolIsClosedAsEffectUnknown() async throws {
        let tool = RecordingTool(name: "launch", isHeld: true)
        let provider = ScriptedProvider(.toolCall("launch", arguments: "{}"), .text("Sorry."))
        try await withTestClient(provider, tools: [tool]) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            let session = try #require(client.events.first?["session_id"])
            try await client.call("turn/interrupt", ["session_id": session])
            _ = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            try await client.call("turn/start", ["session_id": session, "prompt": "What happened?"])
            #expect(
                provider.histories.last?.hasSuffix(
                    #"{"results":["call_1:{\"error\":\"interrupted\",\"message\":\"The call was interrupted; whether it had its effect is unknown.\"}"],"user":["What happened?"]}]"#
                ) == true)
        }
    }

    @Test func aRetrySleepIsInterrupted() async throws {
        let clock = TestClock()
        let provider = ScriptedProvider(.failure(ProviderError(.overloaded, "busy", status: 529)))
        try await withTestClient(provider, clock: clock) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("retrying")
            let session = try #require(client.events.first?["session_id"])
            try await client.call("turn/interrupt", ["session_id": session])
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "cancelled"])
        }
    }

    @Test func anInterruptForAnotherRunChangesNothing() async throws {
        try await withTestClient(ScriptedProvider(.silence(after: "a"))) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("text_delta")
            let session = try #require(client.events.first?["session_id"])
            let other: JSONValue = "01936f8a-7b2c-7000-8000-000000000001"
            #expect(
                try await client.call("turn/interrupt", ["session_id": session, "run_id": other])
                    == ["interrupted": false])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "running")
            try await client.call("turn/interrupt", ["session_id": session])
            _ = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
        }
    }

    @Test func anIdleSessionIsInterruptedWithoutEffect() async throws {
        try await withTestClient(ScriptedProvider(.text("ok"))) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            #expect(try await client.call("turn/interrupt", ["session_id": session]) == ["interrupted": true])
        }
    }
}
