import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Turns {
    @Test func aPlainTurnHasItsEventsInOrderAndItsResultLast() async throws {
        let usage = Usage(inputTokens: 12, outputTokens: 3)
        let provider = ScriptedProvider(.text("Par", "is.", usage: usage))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", ["prompt": "Capital of France?", "model": "claude-x"])
            let session = try #require(result["session_id"]?.string)
            #expect(
                result == [
                    "session_id": .string(session), "text": "Paris.", "turns": 1, "tool_calls": 0,
                    "usage": ["input_tokens": 12, "output_tokens": 3, "total_tokens": 15], "cost_usd": nil,
                    "model_calls": [
                        [
                            "call": 0, "purpose": "turn", "attempt": 1, "provider": "scripted", "model": "claude-x",
                            "endpoint": "script",
                            "usage": ["input_tokens": 12, "output_tokens": 3, "total_tokens": 15], "cost_usd": nil,
                        ]
                    ],
                    "run_id": result["run_id"] ?? .null, "provider": "scripted", "model": "claude-x",
                    "endpoint": "script",
                ])
            let wireUsage: JSONValue = [
                "input_tokens": 12, "output_tokens": 3, "cache_creation_tokens": nil, "cache_read_tokens": nil,
            ]
            #expect(
                client.events == [
                    [
                        "type": "run_started", "session_id": .string(session), "prompt": "Capital of France?",
                        "provider": "scripted", "model": "claude-x", "endpoint": "script",
                    ],
                    ["type": "turn_started", "turn_number": 0],
                    ["type": "text_delta", "delta": "Par"],
                    ["type": "text_delta", "delta": "is."],
                    ["type": "text_complete", "content": "Paris."],
                    ["type": "turn_completed", "stop_reason": "end_turn", "usage": wireUsage],
                    [
                        "type": "run_completed", "session_id": .string(session), "result": "Paris.",
                        "usage": wireUsage,
                    ],
                ])
            #expect(client.lines.last?["result"] == result)
        }
    }

    @Test func aSecondTurnSendsTheWholeConversation() async throws {
        let provider = ScriptedProvider(.text("Paris."), .text("Berlin."))
        try await withTestClient(provider) { client in
            let first = try await client.call("session/create", ["prompt": "France?"])
            let session = try #require(first["session_id"])
            let second = try await client.call("turn/start", ["session_id": session, "prompt": "And Germany?"])
            #expect(second["text"] == "Berlin.")
            #expect(
                provider.histories == [
                    #"[{"user":["France?"]}]"#,
                    #"[{"user":["France?"]},{"assistant":[{"type":"text","text":"Paris."}]},{"user":["And Germany?"]}]"#,
                ])
        }
    }

    @Test func unknownToolIsReportedToTheModel() async throws {
        let provider = ScriptedProvider(.toolCall("no_such_tool", arguments: "{}"), .text("Sorry."))
        try await withTestClient(provider) { client in
            let run = try await client.call("session/create", ["prompt": "Try it"])
            #expect(run["text"] == "Sorry.")
            #expect(run["tool_calls"] == 1)
            #expect(run["turns"] == 2)
            #expect(
                provider.histories.last?.hasSuffix(
                    #"{"results":["call_1:{\"error\":\"tool_not_found\",\"message\":\"no_such_tool\"}"]}]"#) == true)
            #expect(
                client.eventNames == [
                    "run_started", "turn_started", "tool_call_requested", "turn_completed", "tool_execution_started",
                    "tool_execution_completed", "tool_result_received", "turn_started", "text_delta", "text_complete",
                    "turn_completed", "run_completed",
                ])
        }
    }

    @Test func malformedToolArgumentsAreAnsweredAndNeverRun() async throws {
        let tool = RecordingTool(name: "note")
        let provider = ScriptedProvider(.toolCall("note", arguments: #"{"text":"#), .text("Again."))
        try await withTestClient(provider, tools: [tool]) { client in
            try await client.call("session/create", ["prompt": "Note it"])
            #expect(tool.calls == [])
            #expect(client.events[2]["args"] == #"{"text":"#)
            #expect(provider.histories.last?.contains("invalid_arguments") == true)
        }
    }

    @Test func argumentsWithLineBreaksStayInOneLine() async throws {
        let provider = ScriptedProvider(.toolCall("none", arguments: "{\n  \"a\": \"x\\ny\"\r\n}"), .text("ok"))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            #expect(client.events[2]["args"] == ["a": "x\ny"])
            let history = try await client.call("session/history", ["session_id": session])
            #expect(history["messages"]?.array?.count == 4)
        }
    }

    @Test func toolsRunSideBySideAndTheirResultsKeepCallOrder() async throws {
        let slow = RecordingTool(name: "slow", isHeld: true)
        let fast = RecordingTool(name: "fast")
        let provider = ScriptedProvider(
            .toolCalls(
                (id: "a", name: "slow", arguments: #"{"n":1}"#), (id: "b", name: "fast", arguments: #"{"n":2}"#)),
            .text("Done."))
        try await withTestClient(provider, tools: [slow, fast]) { client in
            let request = client.request("session/create", ["prompt": "Both"])
            await client.waitForEvent("tool_execution_completed")
            #expect(client.events.last { $0["type"] == "tool_execution_completed" }?["id"] == "b")
            slow.release()
            let result = try await client.answer(request)
            #expect(result["text"] == "Done.")
            #expect(
                provider.histories.last?.hasSuffix(#"{"results":["a:slow {\"n\":1}","b:fast {\"n\":2}"]}]"#) == true)
            #expect(client.eventNames.filter { $0 == "tool_execution_completed" }.count == 2)
        }
    }

    @Test func anEndlessToolLoopEndsAtTheTurnLimit() async throws {
        var configuration = Configuration()
        configuration.agent.maxTurns = 3
        let steps = (1...5).map { ScriptedProvider.Step.toolCall("none", id: "call_\($0)", arguments: "{}") }
        try await withTestClient(ScriptedProvider(steps: steps), configuration: configuration) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "Go"]))
            #expect(failure.code == -32011)
            #expect(client.eventNames.last == "run_failed")
            #expect(client.eventNames.filter { $0 == "turn_started" }.count == 3)
            #expect(client.eventNames.filter { $0 == "tool_execution_completed" }.count == 3)
        }
    }

    @Test func aTurnLimitWithTextIsAResultThatSaysSo() async throws {
        var configuration = Configuration()
        configuration.agent.maxTurns = 1
        let provider = ScriptedProvider(
            .answer(.text("Looking."), .toolUse(ToolUse(id: "c", name: "none", arguments: .emptyObject))))
        try await withTestClient(provider, configuration: configuration) { client in
            let result = try await client.call("session/create", ["prompt": "Go"])
            #expect(result["text"] == "Looking.")
            #expect(result["stop_reason"] == "max_turns")
            #expect(client.eventNames.last == "run_completed")
        }
    }

    @Test func aSecondTurnMeanwhileIsRefusedAndDisturbsNothing() async throws {
        try await withTestClient(ScriptedProvider(.text("One."), .silence(after: "…"))) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "1"])["session_id"])
            let running = client.request("turn/start", ["session_id": session, "prompt": "2"])
            await client.waitForEvent("text_delta", count: 2)
            let failure = try #require(await client.failure("turn/start", ["session_id": session, "prompt": "3"]))
            #expect(failure.code == -32002)
            #expect(failure.name == "SESSION_BUSY")
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "running")
            #expect(try await client.call("session/list")["sessions"]?.array?.count == 1)
            #expect(try await client.call("turn/interrupt", ["session_id": session]) == ["interrupted": true])
            _ = await #expect(throws: TestClient.Failure.self) { try await client.answer(running) }
        }
    }

    @Test func turnsOfSeveralSessionsOverlap() async throws {
        try await withTestClient(ScriptedProvider(.silence(after: "a"), .silence(after: "b"), .silence(after: "c"))) {
            client in
            let requests = (1...3).map { client.request("session/create", ["prompt": .string(String($0))]) }
            await client.waitForEvent("text_delta", count: 3)
            let sessions = try #require(try await client.call("session/list")["sessions"]?.array)
            #expect(sessions.map { $0["state"] } == ["running", "running", "running"])
            for session in sessions {
                try await client.call("turn/interrupt", ["session_id": session["session_id"] ?? .null])
            }
            for request in requests {
                _ = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            }
        }
    }

    @Test func everyEventPrecedesItsResponse() async throws {
        let provider = ScriptedProvider(steps: (0..<200).map { _ in .text("a", "b", "c") })
        try await withTestClient(provider) { client in
            let requests = (0..<200).map { _ in client.request("session/create", ["prompt": "x"]) }
            for request in requests { try await client.answer(request) }
            var open: [JSONValue: Int] = [:]
            for line in client.lines {
                if let request = line["params"]?["request_id"] { open[request, default: 0] += 1 }
                if line["result"] != nil, let id = line["id"] { #expect(open[id] == 8) }
            }
        }
    }
}
