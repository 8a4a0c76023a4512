import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Limits {
    private static func used(_ tokens: UInt64) -> Usage { Usage(inputTokens: tokens - 1, outputTokens: 1) }

    private static func toolStep(_ id: String, tokens: UInt64 = 10, text: String? = nil) -> ScriptedProvider.Step {
        let call = Block.toolUse(ToolUse(id: id, name: "none", arguments: .emptyObject))
        return .answer((text.map { [.text($0)] } ?? []) + [call], stopReason: .toolUse, usage: used(tokens))
    }

    private static func warnings(_ client: TestClient) -> [JSONValue] {
        client.events.filter { $0["type"] == "budget_warning" }
    }

    @Test func tokensEndTheRunWithWarningsThatAreTrue() async throws {
        let provider = ScriptedProvider(
            Self.toolStep("a", tokens: 79, text: "Looking."), Self.toolStep("b", tokens: 5),
            Self.toolStep("c", tokens: 30), .text("never"))
        try await withTestClient(provider) { client in
            let result = try await client.call(
                "session/create", ["prompt": "Go", "limits": ["max_tokens": 100]])
            #expect(result["text"] == "Looking.")
            #expect(result["stop_reason"] == "budget_exhausted")
            #expect(provider.requests.count == 3)
            let shown = Self.warnings(client).map { [$0["budget_type"], $0["used"], $0["limit"]] }
            #expect(shown == [["tokens", 84, 100], ["tokens", 114, 100]])
            #expect(Self.warnings(client).map { $0["percent"]?.double } == [0.84, 1.14])
            #expect(client.eventNames.last == "run_completed")
            // What is left bounds the answer.
            #expect(provider.requests.map(\.maxTokens) == [100, 21, 16])

            let session = try #require(result["session_id"])
            let failure = try #require(
                await client.failure("turn/start", ["session_id": session, "prompt": "More"]))
            #expect(failure.code == -32011)
            #expect(failure.details == ["reason": "max_tokens"])
            #expect(client.eventNames.suffix(3) == ["run_started", "budget_warning", "run_failed"])
            #expect(provider.requests.count == 3)

            let more = try await client.call(
                "turn/start", ["session_id": session, "prompt": "More", "limits": ["max_tokens": 1000]])
            #expect(more["text"] == "never")
        }
    }

    @Test func toolCallsBeyondTheLimitAreRefusedAndEndTheRun() async throws {
        let tool = ConstantTool(name: "none", isPolling: false)
        let provider = ScriptedProvider(
            .toolCalls((id: "a", name: "none", arguments: "{}"), (id: "b", name: "none", arguments: "{}")),
            .answer(
                .text("One more."), .toolUse(ToolUse(id: "c", name: "none", arguments: .emptyObject)),
                .toolUse(ToolUse(id: "d", name: "none", arguments: .emptyObject)), stopReason: .toolUse),
            .text("Then."))
        try await withTestClient(provider, tools: [tool]) { client in
            let result = try await client.call(
                "session/create", ["prompt": "Go", "limits": ["max_tool_calls": 3]])
            #expect(result["text"] == "One more.")
            #expect(result["stop_reason"] == "budget_exhausted")
            #expect(result["tool_calls"] == 4)
            let results = client.events.filter { $0["type"] == "tool_execution_completed" }
            #expect(results.filter { $0["is_error"] == true }.map { $0["id"] } == ["d"])
            #expect(Self.warnings(client).last?["budget_type"] == "tool_calls")
            #expect(Self.warnings(client).last?["used"] == 4)
            // The history is whole all the same.
            let session = try #require(result["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "And?"])
            #expect(provider.histories.last?.contains(#""c:ok","d:{\"error\":\"access_denied\""#) == true)
        }
    }

    @Test func aDeadlineCutsAHangingCall() async throws {
        let clock = TestClock()
        let provider = ScriptedProvider(.silence(after: "Once"), .text("Fine."))
        try await withTestClient(provider, clock: clock) { client in
            let request = client.request(
                "session/create", ["prompt": "Go", "limits": ["max_duration_ms": 1500]])
            await client.waitForEvent("text_delta")
            clock.advance(by: .milliseconds(1500))
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.code == -32011)
            #expect(failure?.details == ["reason": "max_duration"])
            #expect(
                Self.warnings(client) == [
                    ["type": "budget_warning", "budget_type": "time", "used": 1500, "limit": 1500, "percent": 1]
                ])
            let session = try #require(failure?.session)
            let next = try await client.call("turn/start", ["session_id": .string(session), "prompt": "Again"])
            #expect(next["text"] == "Fine.")
        }
    }

    @Test func configuredLimitsCountWhereARequestSetsNone() async throws {
        var configuration = Configuration()
        configuration.limits.budget = 50
        configuration.budget.maxToolCalls = 1
        let provider = ScriptedProvider(.text("a", usage: Self.used(60)), .text("b", usage: Self.used(60)))
        try await withTestClient(provider, configuration: configuration) { client in
            let first = try await client.call("session/create", ["prompt": "x"])
            let failure = await client.failure(
                "turn/start", ["session_id": first["session_id"] ?? .null, "prompt": "y"])
            #expect(failure?.code == -32011)
            let other = try await client.call("session/create", ["prompt": "x", "limits": ["max_tokens": 500]])
            #expect(other["text"] == "b")
        }
    }

    @Test func aTurnMayHaveItsOwnTurnLimit() async throws {
        let provider = ScriptedProvider(.text("a"), Self.toolStep("c", text: "Looking."), .text("b"))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            let result = try await client.call(
                "turn/start", ["session_id": session, "prompt": "y", "limits": ["max_turns": 1]])
            #expect(result["stop_reason"] == "max_turns")
        }
    }

    @Test(arguments: [
        #"{"max_cost_usd":1}"#, #"{"max_tokens":-1}"#, #"{"max_turns":0}"#, #"{"max_tokens":"5"}"#, #"[]"#,
    ])
    func limitsThatWouldNotBeObeyedAreRefused(limits: String) async throws {
        try await withTestClient(ScriptedProvider()) { client in
            let limits = try JSONValue(json: Array(limits.utf8))
            let failure = await client.failure("session/create", ["prompt": "x", "limits": limits])
            #expect(failure?.code == -32602)
        }
    }
}
