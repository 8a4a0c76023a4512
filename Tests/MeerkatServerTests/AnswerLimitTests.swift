import Meerkat
import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct AnswerLimitTests {
    private static func answer(_ count: Int, id: (Int) -> String) -> ScriptedProvider.Step {
        .answer(
            (0..<count).map { .toolUse(ToolUse(id: id($0), name: "note", arguments: .emptyObject)) },
            stopReason: .toolUse)
    }

    private static let tools = [ConstantTool(name: "note", isPolling: false)]

    @Test func anAnswerWithTooManyCallsFailsLikeAnyOther() async throws {
        var configuration = Configuration()
        configuration.limits.maxAnswerToolCalls = 3
        let provider = ScriptedProvider(Self.answer(4) { "c\($0)" }, .text("Instead."), Self.answer(4) { "d\($0)" })
        try await withTestClient(provider, tools: Self.tools, configuration: configuration) { client in
            let result = try await client.call(
                "session/create", ["prompt": "Go", "model": "claude-a", "fallback_models": ["claude-b"]])
            #expect(result["text"] == "Instead.")
            #expect(result["tool_calls"] == 0)
            // Not asked again: the next model is.
            #expect(provider.requests.map(\.model) == ["claude-a", "claude-b"])
            #expect(client.eventNames.filter { $0 == "retrying" || $0.hasPrefix("tool_") } == [])

            let failure = try #require(await client.failure("session/create", ["prompt": "Go"]))
            #expect(failure.name == "PROVIDER_ERROR")
            #expect(failure.details?["reason"] == "answer_too_large")
            #expect(client.eventNames.last == "run_failed")
            #expect(provider.requests.count == 3)
        }
    }

    @Test func theUsualNumberOfCallsIsBounded() async throws {
        let provider = ScriptedProvider(Self.answer(257) { "c\($0)" })
        try await withTestClient(provider, tools: Self.tools) { client in
            let failure = await client.failure("session/create", ["prompt": "Go"])
            #expect(failure?.details?["reason"] == "answer_too_large")
        }
    }

    @Test func eachCallHasAnIdAndAResultOfItsOwnAndIsStoredOnce() async throws {
        let store = RecordingStore()
        let provider = ScriptedProvider(Self.answer(200) { $0 % 2 == 0 ? "c" : "" }, .text("Done."))
        try await withTestClient(provider, store: store, tools: Self.tools) { client in
            let result = try await client.call("session/create", ["prompt": "Go"])
            #expect(result["tool_calls"] == 200)
            let entries = store.appends.joined()
            let ids = entries.compactMap { entry -> String? in
                if case .toolStarted(let id, _, _, _) = entry { id } else { nil }
            }
            let answered = entries.compactMap { entry -> String? in
                if case .toolFinished(let result) = entry { result.toolUseID } else { nil }
            }
            let expected = (0..<200).map { number in
                let name = number % 2 == 0 ? "c" : "call"
                return number == 0 ? name : "\(name)_\(number / 2 + 1)"
            }
            #expect(Set(ids) == Set(expected))
            #expect(ids.count == 200)
            #expect(answered.sorted() == ids.sorted())
            // An entry for the start of each call and one for its end, and those of the run.
            #expect(entries.count == 2 * 200 + 8)
            #expect(store.appends.count <= 200 + 4)
        }
    }
}
