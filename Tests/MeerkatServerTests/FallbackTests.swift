import Meerkat
import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Fallbacks {
    private static let overloaded = ProviderError(.overloaded, "overloaded", status: 529)
    private static let unknownModel = ProviderError(.modelNotFound, "no such model", status: 404)

    private static let fallback: JSONValue = [
        "prompt": "Go", "model": "claude-a", "fallback_models": ["claude-b", ["provider": "openai", "model": "x"]],
    ]

    @Test func theNextModelAnswersWhenACallHasFailedForGood() async throws {
        let provider = ScriptedProvider(
            .failure(Self.unknownModel), .toolCall("none", arguments: "{}"), .text("Here."), .text("Again."))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", Self.fallback)
            #expect(result["text"] == "Here.")
            #expect(result["model"] == "claude-b")
            #expect(provider.requests.map(\.model) == ["claude-a", "claude-b", "claude-b"])
            #expect(
                client.events.filter { $0["type"] == "model_fallback" } == [
                    [
                        "type": "model_fallback", "from_provider": "scripted", "from_model": "claude-a",
                        "provider": "scripted", "model": "claude-b", "endpoint": "script", "error": "no such model",
                        "discard_text": false,
                    ]
                ])
            let calls = result["model_calls"]?.array
            #expect(calls?.map { $0["model"] } == ["claude-a", "claude-b", "claude-b"])
            #expect(calls?.map { $0["attempt"] } == [1, 2, 1])

            // The next run begins with the session's own model.
            let session = try #require(result["session_id"])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "On"])
            #expect(next["model"] == "claude-a")
        }
    }

    @Test func eachModelHasItsRetries() async throws {
        let clock = TestClock()
        let provider = ScriptedProvider(steps: (0..<12).map { _ in .failure(Self.overloaded) })
        try await withTestClient(provider, clock: clock) { client in
            let request = client.request("session/create", Self.fallback)
            while provider.requests.count < 12 {
                clock.advance(by: .seconds(10))
                await Task.yield()
            }
            let failure = try #require(await client.failure(of: request))
            #expect(failure.name == "PROVIDER_ERROR")
            #expect(provider.requests.map(\.model).filter { $0 == "x" }.count == 4)
            #expect(client.eventNames.filter { $0 == "model_fallback" }.count == 2)
            #expect(client.eventNames.last == "run_failed")
        }
    }

    @Test func shownTextIsOnlyTakenBackFromAClientThatCanDiscardIt() async throws {
        let refused = ProviderError(.invalidRequest, "no")
        for canDiscard in [false, true] {
            let provider = ScriptedProvider(.failure(refused, after: "Half"), .text("Whole."))
            try await withTestClient(provider) { client in
                try await client.call("initialize", ["client": ["discard_text": .bool(canDiscard)]])
                let request = client.request("session/create", Self.fallback)
                guard canDiscard else {
                    #expect(await client.failure(of: request)?.code == -32010)
                    return
                }
                #expect(try await client.answer(request)["text"] == "Whole.")
                #expect(client.events.first { $0["type"] == "model_fallback" }?["discard_text"] == true)
            }
        }
    }

    @Test func theConfigurationMayNameThem() async throws {
        let provider = ScriptedProvider(.failure(Self.unknownModel), .text("Here."))
        var configuration = Configuration()
        configuration.agent.fallbackModels = [ModelChoice(model: "claude-c")]
        try await withTestClient(provider, configuration: configuration) { client in
            let result = try await client.call("session/create", ["prompt": "Go", "model": "claude-a"])
            #expect(result["model"] == "claude-c")
        }
    }

    @Test func aModelOfNoKnownProviderIsRefusedAtTheStart() async throws {
        try await withTestClient(ScriptedProvider(.text("never"))) { client in
            let failure = await client.failure(
                "session/create", ["prompt": "Go", "model": "claude-a", "fallback_models": ["who"]])
            #expect(failure?.code == -32010)
            #expect(client.events == [])
        }
    }

    @Test func aRetryThatComesTooLateIsNotWaitedFor() async throws {
        let limited = ProviderError(.rateLimited, "later", status: 429, retryAfterMilliseconds: 60_000)
        let provider = ScriptedProvider(.failure(limited), .text("never"))
        try await withTestClient(provider) { client in
            let failure = try #require(
                await client.failure(
                    "session/create", ["prompt": "Go", "limits": ["max_duration_ms": 30_000]]))
            #expect(failure.name == "PROVIDER_ERROR")
            #expect(failure.details?["reason"] == "rate_limited")
        }
    }

    @Test func settingsOfOneProviderAreSentToNoOther() async throws {
        let provider = ScriptedProvider(.text("A."), .text("B."), .text("C."))
        try await withTestClient(provider) { client in
            let session = try #require(
                try await client.call(
                    "session/create", ["prompt": "Go", "model": "claude-a", "provider_params": ["thinking_budget": 1]])[
                        "session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "On", "model": "gpt-x"])
            try await client.call("turn/start", ["session_id": session, "prompt": "On", "model": "claude-b"])
            #expect(provider.requests.map { $0.parameters["thinking_budget"] } == [1, nil, 1])
        }
    }

    @Test func anotherModelIsAskedBeforeALongWait() async throws {
        let limited = ProviderError(.rateLimited, "later", status: 429, retryAfterMilliseconds: 3_600_000)
        let provider = ScriptedProvider(.failure(limited), .text("Here."))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", Self.fallback)
            #expect(result["model"] == "claude-b")
            #expect(!client.eventNames.contains("retrying"))
        }
    }
}
