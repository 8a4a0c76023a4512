import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

/// Each key changes what happens.
@Suite struct ConfiguredBehaviour {
    private static func configured(_ text: String) throws -> Configuration {
        try Configuration(config: try JSONValue(json: Array(text.utf8)))
    }

    @Test func builtInToolsCanBeTheDefault() async throws {
        let provider = ScriptedProvider(.text("a"), .text("b"))
        let configuration = try Self.configured(
            #"{"tools":{"builtins_enabled":true},"agent":{"tool_instructions":"Use them."}}"#)
        try await withTestClient(provider, configuration: configuration) { client in
            try await client.call("session/create", ["prompt": "x"])
            try await client.call("session/create", ["prompt": "x", "enable_builtins": false])
            #expect(provider.requests.map(\.tools.isEmpty) == [false, true])
            #expect(provider.requests.map { $0.instructions.hasSuffix("Use them.") } == [true, false])
        }
    }

    @Test(arguments: [#"{"type":"object","required":["a"]}"#, #""{\"type\":\"object\",\"required\":[\"a\"]}""#])
    func answersMayHaveADefaultSchema(schema: String) async throws {
        let provider = ScriptedProvider(.text("no"), .text(#"{"a":1}"#))
        let configuration = try Self.configured(
            #"{"agent":{"output_schema":\#(schema),"structured_output_retries":1}}"#)
        try await withTestClient(provider, configuration: configuration) { client in
            let result = try await client.call("session/create", ["prompt": "x"])
            #expect(result["structured_output"] == ["a": 1])
        }
    }

    @Test func theNumberOfRetriesCounts() async throws {
        let configuration = try Self.configured(#"{"agent":{"structured_output_retries":0}}"#)
        try await withTestClient(ScriptedProvider(.text("no")), configuration: configuration) { client in
            let failure = await client.failure(
                "session/create", ["prompt": "x", "output_schema": ["type": "object"]])
            #expect(failure?.details?["attempts"] == 1)
        }
    }

    @Test func theThresholdOfWarningsCounts() async throws {
        let provider = ScriptedProvider(.text("a", usage: Usage(inputTokens: 20, outputTokens: 10)))
        let configuration = try Self.configured(
            #"{"agent":{"budget_warning_threshold":0.25},"limits":{"budget":100}}"#)
        try await withTestClient(provider, configuration: configuration) { client in
            try await client.call("session/create", ["prompt": "x"])
            #expect(client.events.filter { $0["type"] == "budget_warning" }.map { $0["used"] } == [30])
        }
    }

    @Test func theNumberOfRepetitionsCounts() async throws {
        let steps = (1...3).map { ScriptedProvider.Step.toolCall("note", id: "c\($0)", arguments: "{}") }
        let configuration = try Self.configured(#"{"tools":{"max_repeats":2}}"#)
        let provider = ScriptedProvider(steps: steps)
        try await withTestClient(
            provider, tools: [ConstantTool(name: "note", isPolling: false)], configuration: configuration
        ) { client in
            let failure = await client.failure("session/create", ["prompt": "x"])
            #expect(failure?.details == ["reason": "max_repeats"])
            #expect(provider.requests.count == 3)
        }
    }

    @Test(arguments: [
        (#"{"compaction":{"auto_compact_threshold":50,"max_summary_tokens":7,"recent_turn_budget":0}}"#, true),
        (#"{"compaction":{"auto_compact_threshold":50,"enabled":false}}"#, false),
        (#"{"compaction":{"auto_compact_threshold":61}}"#, false),
    ])
    func conversationsAreSummarizedAsConfigured(text: String, isSummarized: Bool) async throws {
        let provider = ScriptedProvider(
            .text("a", usage: Usage(inputTokens: 60, outputTokens: 1)), .text("b"), .text("c"))
        try await withTestClient(provider, configuration: try Self.configured(text)) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "y"])
            #expect(client.eventNames.contains("compaction_completed") == isSummarized)
            if isSummarized { #expect(provider.requests[1].maxTokens == 7) }
        }
    }

    @Test func durationsOfRunsAreLimited() async throws {
        let clock = TestClock()
        let configuration = try Self.configured(#"{"limits":{"max_duration":"3s"},"budget":{"max_duration":"9s"}}"#)
        try await withTestClient(ScriptedProvider(.silence()), clock: clock, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "x"])
            await clock.waitForTimer(after: .seconds(3))
            await client.waitForEvent("turn_started")
            clock.advance(by: .seconds(3))
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "max_duration"])
        }
    }
}
