import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Sessions {
    private static let unknown: JSONValue = "01936f8a-7b2c-7000-8000-000000000001"

    @Test func aSessionIsShownWithItsTotals() async throws {
        let provider = ScriptedProvider(.text("Hi", usage: Usage(inputTokens: 10, outputTokens: 2)))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            let seconds = JSONValue.integer(TestClock.start.seconds)
            #expect(
                try await client.call("session/read", ["session_id": session]) == [
                    "session_id": session, "state": "idle", "message_count": 2, "total_tokens": 12,
                    "cost_usd": nil, "created_at": seconds, "updated_at": seconds, "is_active": false,
                    "last_assistant_text": "Hi",
                ])
        }
    }

    @Test func sessionsAreListedInTheOrderOfTheirCreation() async throws {
        let provider = ScriptedProvider(steps: (0..<5).map { .text("\($0)") })
        try await withTestClient(provider) { client in
            var ids: [JSONValue] = []
            for _ in 0..<5 {
                ids.append(try #require(try await client.call("session/create", ["prompt": "x"])["session_id"]))
            }
            try await client.call("session/archive", ["session_id": ids[1]])
            let listed = try await client.call("session/list")["sessions"]?.array?.compactMap { $0["session_id"] }
            #expect(listed == [ids[0], ids[2], ids[3], ids[4]])
        }
    }

    @Test func anArchivedSessionIsGoneForClients() async throws {
        try await withTestClient(ScriptedProvider(.text("x"))) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            #expect(try await client.call("session/archive", ["session_id": session]) == ["archived": true])
            for method in ["session/archive", "session/read", "turn/start", "turn/interrupt", "session/history"] {
                let failure = await client.failure(method, ["session_id": session, "prompt": "x"])
                #expect(failure?.code == -32001, "\(method)")
            }
        }
    }

    @Test func archivingDuringATurnLetsItFinish() async throws {
        let tool = RecordingTool(name: "wait", isHeld: true)
        let provider = ScriptedProvider(.toolCall("wait", arguments: "{}"), .text("done"))
        try await withTestClient(provider, tools: [tool]) { client in
            let request = client.request("session/create", ["prompt": "x"])
            await client.waitForEvent("tool_execution_started")
            let session = try #require(client.events[0]["session_id"])
            try await client.call("session/archive", ["session_id": session])
            #expect(try await client.call("session/list") == ["sessions": []])
            tool.release()
            #expect(try await client.answer(request)["text"] == "done")
        }
    }

    @Test func storedSessionsAreReachableWithoutBeingOpen() async throws {
        let store = RecordingStore()
        var session = JSONValue.null
        try await withTestClient(ScriptedProvider(.text("x")), store: store) { client in
            session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
        }
        let provider = ScriptedProvider(.text("y"))
        try await withTestClient(provider, store: store, ids: RandomIDGenerator()) { client in
            #expect(try await client.call("session/list") == ["sessions": []])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "idle")
            #expect(try await client.call("session/list") == ["sessions": []])
            #expect(try await client.call("turn/interrupt", ["session_id": session]) == ["interrupted": true])
            let stored = try await client.call("session/list", ["include_stored": true])
            #expect(stored["sessions"]?.array?.map { $0["session_id"] } == [session])
            try await client.call("turn/start", ["session_id": session, "prompt": "y"])
            #expect(try await client.call("session/list")["sessions"]?.array?.count == 1)
        }
    }

    @Test func historyIsReadInPages() async throws {
        let provider = ScriptedProvider(.toolCall("none", arguments: #"{"a": 1.50}"#), .text("Done."), .text("Again."))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "one"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "two"])
            var messages: [JSONValue] = []
            var cursor = JSONValue.integer(0)
            repeat {
                let page = try await client.call(
                    "session/history", ["session_id": session, "cursor": cursor, "limit": 2])
                messages += page["messages"]?.array ?? []
                cursor = page["next_cursor"] ?? .null
            } while !cursor.isNull
            #expect(
                messages.map { $0["role"] } == [
                    "user", "block_assistant", "tool_results", "block_assistant", "user", "block_assistant",
                ])
            let asked = #"[{"block_type":"tool_use","data":{"id":"call_1","name":"none","args":{"a": 1.50}}}]"#
            #expect(try messages[1]["blocks"] == JSONValue(json: Array(asked.utf8)))
            #expect(messages[2]["results"]?.array?[0]["origin"] == "denied")
            #expect(messages.compactMap { $0["seq"]?.int } == messages.compactMap { $0["seq"]?.int }.sorted())
        }
    }

    @Test func aDeletedSessionIsGone() async throws {
        let store = RecordingStore()
        try await withTestClient(ScriptedProvider(.text("x")), store: store) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            #expect(try await client.call("session/delete", ["session_id": session]) == ["deleted": true])
            #expect(await client.failure("session/read", ["session_id": session])?.code == -32001)
            #expect(await client.failure("session/delete", ["session_id": session])?.code == -32001)
            #expect(try await client.call("session/list", ["include_stored": true]) == ["sessions": []])
        }
    }

    @Test func moreSessionsThanAllowedAreRefused() async throws {
        var configuration = Configuration()
        configuration.limits.maxOpenSessions = 1
        let provider = ScriptedProvider(.text("x"), .text("y"))
        try await withTestClient(provider, configuration: configuration) { client in
            try await client.call("session/create", ["prompt": "x"])
            let failure = try #require(await client.failure("session/create", ["prompt": "y"]))
            #expect(failure.code == -32603)
            #expect(failure.details?["reason"] == "too_many_sessions")
        }
    }

    @Test func unloadingIsInvisible() async throws {
        var configuration = Configuration()
        configuration.limits.loadedBytes = 0
        let provider = ScriptedProvider(.text("1"), .text("2"), .text("3"))
        try await withTestClient(provider, configuration: configuration) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "a"])["session_id"])
            try await client.call("session/create", ["prompt": "other"])
            try await client.call("turn/start", ["session_id": session, "prompt": "b"])
            #expect(provider.histories[2].hasPrefix(#"[{"user":["a"]},"#))
        }
    }

    @Test(arguments: [
        "session/read", "session/archive", "session/delete", "session/history", "turn/interrupt", "turn/start",
    ])
    func anUnknownSessionIsATypedError(method: String) async throws {
        try await withTestClient(ScriptedProvider()) { client in
            let failure = try #require(await client.failure(method, ["session_id": Self.unknown, "prompt": "x"]))
            #expect(failure.code == -32001)
            #expect(failure.name == "SESSION_NOT_FOUND")
            let invalid = await client.failure(method, ["session_id": "no-uuid", "prompt": "x"])
            #expect(invalid?.code == -32602)
            #expect(invalid?.details == ["field": "session_id"])
        }
    }
}
