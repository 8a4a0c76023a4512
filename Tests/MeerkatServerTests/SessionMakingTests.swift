import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct SessionMaking {
    @Test func aSessionMayBeginWithoutATurn() async throws {
        let provider = ScriptedProvider(.text("Hi."))
        try await withTestClient(provider) { client in
            let made = try await client.call("session/create", ["initial_turn": false, "system_prompt": "Be brief."])
            let session = try #require(made["session_id"])
            #expect(
                made == [
                    "session_id": session, "text": "", "turns": 0, "tool_calls": 0,
                    "usage": ["input_tokens": 0, "output_tokens": 0, "total_tokens": 0], "cost_usd": 0,
                ])
            #expect(client.events == [])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "idle")
            #expect(try await client.call("turn/start", ["session_id": session, "prompt": "Hello"])["text"] == "Hi.")
            #expect(provider.requests[0].instructions == "Be brief.")
        }
    }

    @Test func makingItTwiceWithOneIdMakesOne() async throws {
        let run: JSONValue = "01936f8a-7b2c-7000-8000-00000000000a"
        try await withTestClient(ScriptedProvider()) { client in
            let first = try await client.call("session/create", ["initial_turn": false, "run_id": run])
            let second = try await client.call("session/create", ["initial_turn": false, "run_id": run])
            #expect(first == second)
            #expect(try await client.call("session/list")["sessions"]?.array?.count == 1)
        }
    }

    @Test(arguments: [
        [("prompt", "Hi"), ("initial_turn", false)] as [(String, JSONValue)], [("initial_turn", true)],
        [("cwd", "tmp")],
        [("cwd", "/no/such/place")],
    ])
    func whatCannotBeIsRefused(params: [(String, JSONValue)]) async throws {
        try await withTestClient(ScriptedProvider()) { client in
            var object: JSONObject = params[0].0 == "cwd" ? ["prompt": "x"] : [:]
            for (name, value) in params { object[name] = value }
            #expect(await client.failure("session/create", .object(object))?.code == -32602)
            let sessions = try await client.call("session/list")
            #expect(sessions == ["sessions": []])
        }
    }

    @Test func aForkGoesItsOwnWay() async throws {
        let provider = ScriptedProvider(
            .text("A1", usage: Usage(inputTokens: 7, outputTokens: 1)), .text("A2"), .text("B2"))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            let page = try await client.call("session/history", ["session_id": session])
            let seq = try #require(page["messages"]?.array?.last?["seq"])
            try await client.call("turn/start", ["session_id": session, "prompt": "Q2"])

            let fork = try await client.call("session/fork", ["session_id": session, "seq": seq])
            let forked = try #require(fork["session_id"])
            #expect(forked != session)
            #expect(fork["message_count"] == 2)
            #expect(fork["total_tokens"] == 0)
            #expect(fork["last_assistant_text"] == "A1")
            try await client.call("turn/start", ["session_id": forked, "prompt": "R2"])
            #expect(
                provider.histories.last
                    == #"[{"user":["Q1"]},{"assistant":[{"type":"text","text":"A1"}]},{"user":["R2"]}]"#)
            try await client.call("session/delete", ["session_id": session])
            let copied = try await client.call("session/history", ["session_id": forked])
            #expect(copied["messages"]?.array?.count == 4)
        }
    }

    @Test func aForkInTheMiddleOfARunIsValid() async throws {
        let tool = RecordingTool(name: "act", isHeld: true)
        let provider = ScriptedProvider(.toolCall("act", arguments: "{}"), .text("Fork."), .text("Original."))
        try await withTestClient(provider, tools: [tool]) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            let session = try #require(client.events.first?["session_id"])
            let forked = try #require(try await client.call("session/fork", ["session_id": session])["session_id"])
            #expect(try await client.call("session/read", ["session_id": forked])["state"] == "idle")
            let result = try await client.call("turn/start", ["session_id": forked, "prompt": "And?"])
            #expect(result["text"] == "Fork.")
            #expect(provider.histories.last?.contains("whether it had its effect is unknown") == true)
            tool.release()
            #expect(try await client.answer(request)["text"] == "Original.")
        }
    }

    @Test(arguments: [0, 1, 99])
    func aForkAtNoMessageIsRefused(seq: Int) async throws {
        try await withTestClient(ScriptedProvider(.text("a"))) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            let failure = await client.failure("session/fork", ["session_id": session, "seq": .integer(seq)])
            #expect(failure?.code == -32602)
        }
    }

    @Test func aTurnMayHaveItsOwnModel() async throws {
        let provider = ScriptedProvider(.text("a"), .text("b"), .text("c"))
        try await withTestClient(provider) { client in
            let session = try #require(
                try await client.call("session/create", ["prompt": "x", "model": "claude-x"])["session_id"])
            let other = try await client.call(
                "turn/start", ["session_id": session, "prompt": "y", "model": "claude-y", "max_tokens": 5])
            #expect(other["model"] == "claude-y")
            let third = try await client.call("turn/start", ["session_id": session, "prompt": "z"])
            #expect(third["model"] == "claude-x")
            #expect(provider.requests.map(\.maxTokens) == [16_384, 5, 16_384])
        }
    }
}
