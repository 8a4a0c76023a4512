import MeerkatCore
import MeerkatEngine
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

/// No number from outside ends the process.
@Suite struct ExtremeNumbers {
    private static let overloaded = ProviderError(.overloaded, "overloaded", status: 529)

    private static func configured(_ text: String) throws -> Configuration {
        try Configuration(config: try JSONValue(json: Array(text.utf8)))
    }

    @Test(.timeLimit(.minutes(1)), arguments: [1, 54, 55, 100, 1100, 4_294_967_294])
    func delaysEndAtTheirLimit(attempt: Int) throws {
        var plan = RetryPlan()
        plan.maxRetries = Int(UInt32.max)
        for multiplier in [1, 2, 1000, Double.greatestFiniteMagnitude, .infinity, .nan] {
            for initial in [Duration.zero, .milliseconds(500), .seconds(200 * 365 * 86_400), .seconds(Int64.max)] {
                plan.multiplier = multiplier
                plan.initialDelay = initial
                for jitter in [-1, 0, 1.0] {
                    let delay = plan.delay(after: Self.overloaded, attempt: attempt, jitter: jitter)
                    #expect(try (.zero...plan.maxDelay).contains(#require(delay)))
                }
            }
        }
    }

    @Test func aHundredRetriesAreMade() async throws {
        let configuration = try Self.configured(#"{"retry":{"max_retries":100,"multiplier":1000}}"#)
        let steps = Array(repeating: ScriptedProvider.Step.failure(Self.overloaded), count: 100)
        let provider = ScriptedProvider(steps: steps + [.text("Here.")])
        let clock = TestClock()
        try await withTestClient(provider, clock: clock, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            while provider.requests.count <= 100 {
                clock.advance(by: .seconds(30))
                await Task.yield()
            }
            let result = try await client.answer(request)
            #expect(result["text"] == "Here.")
        }
    }

    @Test func theLargestSettingsWork() async throws {
        let configuration = try Self.configured(
            """
            {"max_tokens":\(UInt32.max),
             "agent":{"max_turns":\(UInt32.max),"structured_output_retries":\(UInt32.max),"budget_warning_threshold":1},
             "budget":{"max_tool_calls":\(Int.max),"max_duration":"73000d"},
             "limits":{"max_open_sessions":\(Int.max),"loaded_bytes":\(Int.max)},
             "retry":{"max_retries":0,"initial_delay":"73000d","max_delay":"73000d","multiplier":1000,
                      "rate_limit_floor":"73000d"},
             "timeouts":{"first_token":"73000d","idle":"73000d","connect":"73000d"},
             "tools":{"builtins_enabled":true,"max_concurrent":\(Int.max),"max_repeats":\(Int.max),
                      "default_timeout":"73000d"},
             "compaction":{"auto_compact_threshold":\(Int.max),"recent_turn_budget":0,
                           "max_summary_tokens":\(UInt32.max),"min_turns_between_compactions":\(Int.max)}}
            """)
        let provider = ScriptedProvider(
            .toolCall("datetime", arguments: "{}"), .text("a", usage: Usage(inputTokens: .max, outputTokens: .max)),
            .text("b", usage: Usage(inputTokens: .max, outputTokens: .max)), .text("summary"), .text("c"))
        try await withTestClient(provider, configuration: configuration) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            _ = await client.failure("turn/start", ["session_id": session, "prompt": "y"])
            _ = await client.failure("session/compact", ["session_id": session])
            let read = try await client.call("session/read", ["session_id": session])
            #expect(read["session_id"] == session)
        }
    }

    private static let extremes: [JSONValue] = [
        .integer(Int.max), .integer(Int.min), .integer(Int(UInt32.max)), 0, -1,
        JSONNumber(1e300).map { .number($0) } ?? 0,
    ]

    @Test(arguments: extremes) func requestsWithExtremeNumbersAreAnswered(number: JSONValue) async throws {
        let provider = ScriptedProvider(
            steps: Array(repeating: .text("a", usage: Usage(inputTokens: 1, outputTokens: 1)), count: 20))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            let limits = ["max_tokens", "max_duration_ms", "max_tool_calls", "max_turns", "max_cost_usd"]
            for limit in limits {
                let limits: JSONObject = [limit: number]
                _ = await client.failure(
                    "turn/start", ["session_id": session, "prompt": "y", "limits": .object(limits)])
            }
            for option in ["max_tokens", "structured_output_retries"] {
                let members: JSONObject = ["session_id": session, "prompt": "y", option: number]
                _ = await client.failure("turn/start", .object(members))
            }
            for (method, member) in [
                ("session/history", "limit"), ("session/history", "cursor"), ("session/list", "limit"),
                ("session/fork", "seq"), ("session/read", "seq"),
            ] {
                let members: JSONObject = ["session_id": session, "include_stored": true, member: number]
                _ = await client.failure(method, .object(members))
            }
            let read = try await client.call("session/read", ["session_id": session])
            #expect(read["session_id"] == session)
        }
    }
}
