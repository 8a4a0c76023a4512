import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Costs {
    /// A dollar for a million tokens in, ten for a million out.
    private static let priced = ModelProfile(
        price: ModelPrice(
            ModelPrice.Rates(
                input: USDollars(picodollars: 1_000_000), output: USDollars(picodollars: 10_000_000), cacheRead: .zero,
                cacheWrite: USDollars(picodollars: 1_000_000))))

    private func usd(_ text: String) -> JSONValue { JSONNumber(Double(text) ?? -1).map { .number($0) } ?? nil }

    private static func provider(_ steps: ScriptedProvider.Step...) -> ScriptedProvider {
        ScriptedProvider(steps: steps, profile: priced)
    }

    private static func toolStep(_ id: String, text: String, usage: Usage) -> ScriptedProvider.Step {
        let call = Block.toolUse(ToolUse(id: id, name: "none", arguments: .emptyObject))
        return .answer([.text(text), call], stopReason: .toolUse, usage: usage)
    }

    @Test func everyCallIsAccountedFor() async throws {
        let refused = ProviderError(.rateLimited, "too many requests", status: 429)
        let provider = Self.provider(
            .failure(refused), Self.toolStep("a", text: "Hm.", usage: Usage(inputTokens: 1000, outputTokens: 10)),
            .text("Done.", usage: Usage(inputTokens: 1100, outputTokens: 5, cacheReadTokens: 1000)),
            .text("More.", usage: Usage(inputTokens: 1200, outputTokens: 7)))
        let clock = TestClock()
        try await withTestClient(provider, clock: clock) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("retrying")
            while provider.requests.count < 2 {
                clock.advance(by: .seconds(2))
                await Task.yield()
            }
            let result = try await client.answer(request)
            #expect(result["cost_usd"] == usd("0.00125"))
            let calls = try #require(result["model_calls"]?.array)
            #expect(calls.map { $0["call"] } == [0, 0, 1])
            #expect(calls.map { $0["attempt"] } == [1, 2, 1])
            #expect(calls.map { $0["cost_usd"] } == [0, usd("0.0011"), usd("0.00015")])
            #expect(calls.map { $0["failure"] } == ["rate_limited", nil, nil])
            #expect(calls.map { $0["usage"]?["input_tokens"] } == [nil, 1000, 1100])

            let session = try #require(result["session_id"])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "On"])
            #expect(next["cost_usd"] == usd("0.00252"))
            #expect(next["model_calls"]?.array?.map { $0["cost_usd"] } == [usd("0.00127")])
            let read = try await client.call("session/read", ["session_id": session, "include_calls": true])
            #expect(read["cost_usd"] == usd("0.00252"))
            #expect(read["model_calls"]?.array == calls + (next["model_calls"]?.array ?? []))
            #expect(try await client.call("session/read", ["session_id": session])["model_calls"] == nil)
            #expect(client.events.last?["cost_usd"] == usd("0.00252"))
        }
    }

    @Test func aCallThatDidNotSayWhatItUsedMakesTheCostUnknown() async throws {
        let provider = Self.provider(.text("A.", usage: Usage(inputTokens: 1000)), .text("B."))
        try await withTestClient(provider) { client in
            let first = try await client.call("session/create", ["prompt": "Go"])
            #expect(first["cost_usd"] == usd("0.001"))
            let session = try #require(first["session_id"])
            let second = try await client.call("turn/start", ["session_id": session, "prompt": "On"])
            #expect(second["cost_usd"] == .some(nil))
            #expect(try await client.call("session/read", ["session_id": session])["cost_usd"] == .some(nil))
        }
    }

    @Test func theLimitLowersTheAnswerAndThenEndsTheRun() async throws {
        let provider = Self.provider(
            Self.toolStep("a", text: "Looking.", usage: Usage(inputTokens: 2000, outputTokens: 400)), .text("never"))
        try await withTestClient(provider) { client in
            let result = try await client.call(
                "session/create",
                ["prompt": "Go", "max_tokens": 5000, "limits": ["max_cost_usd": usd("0.01")]])
            #expect(result["text"] == "Looking.")
            #expect(result["stop_reason"] == "budget_exhausted")
            #expect(result["cost_usd"] == usd("0.006"))
            // Of a cent, a tenth of a cent and a little are kept for the input, which is not known before.
            let asked = try #require(provider.requests.first?.maxTokens)
            #expect((800..<880).contains(asked))
            #expect(provider.requests.count == 1)
            let warnings = client.events.filter { $0["type"] == "budget_warning" }
            #expect(warnings == [])

            let session = try #require(result["session_id"])
            let failure = try #require(await client.failure("turn/start", ["session_id": session, "prompt": "On"]))
            #expect(failure.name == "BUDGET_EXHAUSTED")
            #expect(failure.details == ["reason": "max_cost_usd"])
            #expect(provider.requests.count == 1)
            let more = try await client.call(
                "turn/start", ["session_id": session, "prompt": "On", "limits": ["max_cost_usd": 1]])
            #expect(more["text"] == "never")
        }
    }

    @Test func aGoodPartOfTheLimitIsWarnedOf() async throws {
        let provider = Self.provider(.text("A.", usage: Usage(inputTokens: 2400, outputTokens: 0)))
        try await withTestClient(provider) { client in
            try await client.call(
                "session/create", ["prompt": "Go", "max_tokens": 10, "limits": ["max_cost_usd": usd("0.003")]])
            let warning = try #require(client.events.first { $0["type"] == "budget_warning" })
            #expect(
                warning == [
                    "type": "budget_warning", "budget_type": "cost", "used": 2400, "limit": 3000, "percent": usd("0.8"),
                ])
        }
    }

    @Test func aCallThatBrokeOffCountsWithTheMostItCanHaveCost() async throws {
        let cut = ProviderError(.invalidRequest, "cut")
        let provider = Self.provider(.failure(cut, after: "Half"), .text("never"))
        try await withTestClient(provider) { client in
            let limits: JSONValue = ["max_cost_usd": usd("0.1")]
            let failure = try #require(
                await client.failure("session/create", ["prompt": "Go", "max_tokens": 8000, "limits": limits]))
            #expect(failure.name == "PROVIDER_ERROR")
            let session = try #require(failure.session)
            let read = try await client.call("session/read", ["session_id": .string(session)])
            #expect(read["cost_usd"] == .some(nil))
            try await client.call("turn/start", ["session_id": .string(session), "prompt": "On"])
            // The tokens of the first answer may all have been used.
            #expect((1000..<2000).contains(provider.requests[1].maxTokens))
        }
    }

    @Test func aModelWithoutAPriceIsRefusedAtTheStart() async throws {
        try await withTestClient(ScriptedProvider(.text("never"))) { client in
            let failure = try #require(
                await client.failure("session/create", ["prompt": "Go", "limits": ["max_cost_usd": 1]]))
            #expect(failure.code == -32602)
            #expect(failure.details == ["field": "limits.max_cost_usd"])
            #expect(client.events == [])
            #expect(try await client.call("session/list")["sessions"] == [])
            let made = await client.failure("session/create", ["initial_turn": false, "limits": ["max_cost_usd": 1]])
            #expect(made?.code == -32602)
        }
    }

    @Test func aSessionWhoseCostIsUnknownCannotBeLimited() async throws {
        let unpriced = ScriptedProvider(.text("A.", usage: Usage(inputTokens: 1)), .text("never"))
        try await withTestClient(unpriced) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Go"])["session_id"])
            let failure = try #require(
                await client.failure(
                    "turn/start", ["session_id": session, "prompt": "On", "limits": ["max_cost_usd": 1]]))
            #expect(failure.code == -32602)
        }
    }

    @Test func aForkHasCostNothingYet() async throws {
        let provider = Self.provider(.text("A.", usage: Usage(inputTokens: 1000)))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Go"])["session_id"])
            #expect(try await client.call("session/fork", ["session_id": session])["cost_usd"] == 0)
        }
    }

    @Test func numbersThatMakeNoSenseDoNoHarm() async throws {
        let provider = Self.provider(
            .text("A.", usage: Usage(inputTokens: .max, outputTokens: .max)), .text("So far.", usage: Usage()),
            .text("B.", usage: Usage()))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Go"])["session_id"])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "On"])
            #expect(next["text"] == "B.")
        }
    }

    @Test func aSummaryAndAModelThatRendersNoPicturesAreMeasuredToo() async throws {
        let picture: JSONValue = [
            ["type": "image", "source": ["type": "base64", "data": "R0lGODdhBwAJAA=="]], ["type": "text", "text": "?"],
        ]
        var configuration = Configuration()
        configuration.compaction.recentTurns = 1
        let provider = Self.provider(
            .text("A.", usage: Usage(inputTokens: 10)), .text("B.", usage: Usage(inputTokens: 10)),
            .text("C.", usage: Usage(inputTokens: 10)), .text("So far.", usage: Usage(inputTokens: 10)),
            .text("D.", usage: Usage(inputTokens: 10)))
        try await withTestClient(provider, configuration: configuration) { client in
            let session = try #require(try await client.call("session/create", ["prompt": picture])["session_id"])
            for prompt in ["b", "c"] {
                try await client.call("turn/start", ["session_id": session, "prompt": .string(prompt)])
            }
            try await client.call("session/compact", ["session_id": session])
            #expect(client.eventNames.last == "compaction_completed")
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "d"])
            #expect(next["text"] == "D.")
        }
    }

    @Test func aSchemaCountsAsInput() async throws {
        let provider = Self.provider(.text("{}", usage: Usage(inputTokens: 1)))
        try await withTestClient(provider) { client in
            let schema: JSONValue = ["type": "object", "description": .string(String(repeating: "x", count: 200_000))]
            let failure = try #require(
                await client.failure(
                    "session/create",
                    ["prompt": "Go", "output_schema": schema, "limits": ["max_cost_usd": usd("0.05")]]))
            #expect(failure.name == "BUDGET_EXHAUSTED")
            #expect(provider.requests.isEmpty)
        }
    }

    @Test(arguments: [
        (nil, false), (400, false), (401, true), (403, false), (404, true), (408, false), (413, true), (422, false),
        (429, true), (500, false), (503, false), (529, false),
    ])
    func onlyARefusedAttemptHasSurelyCostNothing(status: Int?, isFree: Bool) async throws {
        let provider = Self.provider(.failure(ProviderError(.unknown, "no", status: status)))
        var configuration = Configuration()
        configuration.retry.maxRetries = 0
        try await withTestClient(provider, configuration: configuration) { client in
            let session = try #require(await client.failure("session/create", ["prompt": "Go"])?.session)
            let cost = try await client.call("session/read", ["session_id": .string(session)])["cost_usd"]
            #expect(cost == (isFree ? 0 : .some(nil)))
        }
    }

    @Test(arguments: ["0123456789", "deadbeef", "R0lGODdh"]) func noTextCostsMoreThanItsBound(text: String) async throws
    {
        // Such text may be a token a byte.
        let prompt = String(repeating: text, count: 100_000 / text.utf8.count)
        let provider = Self.provider(.text("A.", usage: Usage(inputTokens: 100_000, outputTokens: 1)))
        try await withTestClient(provider) { client in
            let failure = await client.failure(
                "session/create", ["prompt": .string(prompt), "limits": ["max_cost_usd": usd("0.09")]])
            #expect(failure?.name == "BUDGET_EXHAUSTED")
            #expect(provider.requests.isEmpty)
        }
    }

    @Test func whatIsNewInAConversationIsATokenAByteToo() async throws {
        let provider = Self.provider(.text("A.", usage: Usage(inputTokens: 1000, outputTokens: 1)), .text("never"))
        try await withTestClient(provider) { client in
            let limits: JSONValue = ["max_cost_usd": usd("0.09")]
            let created = try await client.call("session/create", ["prompt": "Go", "limits": limits])
            let session = try #require(created["session_id"])
            let prompt = String(repeating: "0123456789", count: 10_000)
            let failure = await client.failure("turn/start", ["session_id": session, "prompt": .string(prompt)])
            #expect(failure?.name == "BUDGET_EXHAUSTED")
            #expect(provider.requests.count == 1)
        }
    }
}
