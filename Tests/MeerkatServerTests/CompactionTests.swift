import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Compactions {
    private static func settings(threshold: Int = 50, turns: Int = 2, pause: Int = 3) -> Configuration {
        var configuration = Configuration()
        configuration.compaction.threshold = threshold
        configuration.compaction.recentTurns = turns
        configuration.compaction.minTurnsBetween = pause
        return configuration
    }

    private static func step(_ text: String, tokens: UInt64 = 10) -> ScriptedProvider.Step {
        .text(text, usage: Usage(inputTokens: tokens, outputTokens: 2))
    }

    @Test func aChatOfManyOneCallRunsIsSummarized() async throws {
        let provider = ScriptedProvider(
            Self.step("A1"), Self.step("A2"), Self.step("A3", tokens: 50),
            Self.step("They counted to three.", tokens: 20), Self.step("A4"))
        try await withTestClient(provider, configuration: Self.settings()) { client in
            let session = try #require(
                try await client.call("session/create", ["prompt": "Q1", "system_prompt": "Count."])["session_id"])
            for prompt in ["Q2", "Q3"] {
                try await client.call("turn/start", ["session_id": session, "prompt": .string(prompt)])
            }
            let last = try await client.call("turn/start", ["session_id": session, "prompt": "Q4"])
            #expect(last["text"] == "A4")
            #expect(last["turns"] == 1)
            // The summary is paid for.
            #expect(last["usage"]?["total_tokens"] == .integer(10 * 3 + 50 + 20 + 5 * 2))
            #expect(
                provider.histories.last
                    == #"[{"user":["[The earlier part of this conversation was summarized.]\n\nThey counted to three.","Q3"]},{"assistant":[{"type":"text","text":"A3"}]},{"user":["Q4"]}]"#
            )
            #expect(provider.requests.last?.instructions == "Count.")
            let names = client.eventNames.suffix(8)
            #expect(
                names == [
                    "run_started", "compaction_started", "compaction_completed", "turn_started", "text_delta",
                    "text_complete", "turn_completed", "run_completed",
                ])
            let started = client.events.first { $0["type"] == "compaction_started" }
            #expect(
                started == [
                    "type": "compaction_started", "input_tokens": 50, "estimated_history_tokens": 3,
                    "message_count": 7,
                ])
            let completed = client.events.first { $0["type"] == "compaction_completed" }
            #expect(
                completed == [
                    "type": "compaction_completed", "summary_tokens": 2, "messages_before": 7, "messages_after": 4,
                ])
        }
    }

    @Test func theRecordOfTheConversationIsWhatTheModelSummarizes() async throws {
        let provider = ScriptedProvider(
            Self.step("A1"), Self.step("A2", tokens: 60), Self.step("Sum."), Self.step("A3"))
        try await withTestClient(provider, configuration: Self.settings(turns: 1)) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "Q2"])
            try await client.call("turn/start", ["session_id": session, "prompt": "Q3"])
            let request = provider.requests[2]
            #expect(request.tools == [])
            #expect(request.maxTokens == 4096)
            #expect(provider.histories[2].contains(#"<record>\nUser: Q1\nAgent: A1\nUser: Q2\nAgent: A2\n</record>"#))
        }
    }

    @Test func aLongRunOfOnePromptIsSummarizedWithoutPartingCallsFromResults() async throws {
        var steps = (1...4).map { number in
            ScriptedProvider.Step.answer(
                .toolUse(ToolUse(id: "c\(number)", name: "note", arguments: .emptyObject)), stopReason: .toolUse,
                usage: Usage(inputTokens: number == 4 ? 60 : 10, outputTokens: 1))
        }
        steps += [Self.step("Notes were taken."), Self.step("Done.")]
        let provider = ScriptedProvider(steps: steps)
        try await withTestClient(
            provider, tools: [CountingTool()], configuration: Self.settings(threshold: 50)
        ) { client in
            let result = try await client.call("session/create", ["prompt": "Take four notes"])
            #expect(result["text"] == "Done.")
            let history = try JSONValue(json: Array((provider.histories.last ?? "").utf8))
            let groups = try #require(history.array)
            // The request that is being worked on survives word for word.
            let first = groups[0]["user"]?.array?.first?.string ?? ""
            #expect(first.contains("Notes were taken."))
            #expect(first.hasSuffix("The request being worked on, word for word:\nTake four notes"))
            #expect(groups.count == 5)
            #expect(groups[1]["assistant"]?.array?.first?["id"] == "c3")
            #expect(groups[2]["results"] == ["c3:3"])
            #expect(groups[3]["assistant"]?.array?.first?["id"] == "c4")
            #expect(groups[4]["results"] == ["c4:4"])
        }
    }

    @Test func aFailureChangesNothingAndIsNotRepeatedAtOnce() async throws {
        let provider = ScriptedProvider(
            Self.step("A1", tokens: 60), .failure(ProviderError(.invalidRequest, "no", status: 400)),
            Self.step("A2", tokens: 60), Self.step("A3", tokens: 60), Self.step("A4", tokens: 60),
            Self.step("Sum."), Self.step("A5"))
        try await withTestClient(provider, configuration: Self.settings(turns: 1)) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            for number in 2...5 {
                try await client.call("turn/start", ["session_id": session, "prompt": .string("Q\(number)")])
            }
            let compactions = client.eventNames.filter { $0.hasPrefix("compaction") }
            #expect(
                compactions == [
                    "compaction_started", "compaction_failed", "compaction_started", "compaction_completed",
                ])
            #expect(provider.histories[2].hasPrefix(#"[{"user":["Q1"]}"#))
        }
    }

    @Test func aSummaryCanBeAskedFor() async throws {
        let store = RecordingStore()
        let provider = ScriptedProvider(
            Self.step("A1"), Self.step("A2"), Self.step("A3"), Self.step("Sum."), Self.step("A4"))
        let ids = SequentialIDs()
        var session = JSONValue.null
        try await withTestClient(provider, store: store, ids: ids, configuration: Self.settings(threshold: 100_000)) {
            client in
            session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            for prompt in ["Q2", "Q3"] {
                try await client.call("turn/start", ["session_id": session, "prompt": .string(prompt)])
            }
            #expect(
                try await client.call("session/compact", ["session_id": session]) == [
                    "compacted": true, "summary_tokens": 2, "messages_before": 6, "messages_after": 5,
                ])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "idle")
        }
        // After a restart the history is the shortened one.
        try await withTestClient(provider, store: store, ids: ids) { client in
            try await client.call("turn/start", ["session_id": session, "prompt": "Q4"])
            let start = #"[{"user":["[The earlier part of this conversation was summarized.]\n\nSum.","Q2"]}"#
            #expect(provider.histories.last?.hasPrefix(start) == true)
            let page = try await client.call("session/history", ["session_id": session])
            #expect(page["messages"]?.array?.count == 8)
        }
    }

    @Test func thereMayBeNothingToSummarize() async throws {
        let provider = ScriptedProvider(Self.step("A1"))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            #expect(try await client.call("session/compact", ["session_id": session]) == ["compacted": false])
            #expect(provider.requests.count == 1)
        }
    }

    @Test func theSessionIsFreeWhenTheSummaryIsAnswered() async throws {
        try await withTestClient(ScriptedProvider()) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...16 {
                    group.addTask {
                        let created = try await client.call("session/create", ["initial_turn": false])
                        let session = try #require(created["session_id"])
                        for _ in 1...1000 { try await client.call("session/compact", ["session_id": session]) }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func anInterruptEndsASummary() async throws {
        let provider = ScriptedProvider(
            Self.step("A1", tokens: 60), .silence(after: "So far"), Self.step("A3"))
        try await withTestClient(provider, configuration: Self.settings(turns: 1)) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            let request = client.request("turn/start", ["session_id": session, "prompt": "Q2"])
            await client.waitForEvent("compaction_started")
            #expect(try await client.call("turn/interrupt", ["session_id": session]) == ["interrupted": true])
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "cancelled"])
            #expect(!client.events.contains { $0["delta"] == "So far" })
            #expect(client.eventNames.suffix(3) == ["compaction_started", "compaction_failed", "run_failed"])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "Q3"])
            #expect(next["text"] == "A3")
        }
    }

    @Test func anInterruptedSummaryIsAnsweredBeforeTheInterrupt() async throws {
        let steps = [Self.step("A1"), Self.step("A2")] + Array(repeating: .silence(after: "So far"), count: 100)
        try await withTestClient(
            ScriptedProvider(steps: steps), configuration: Self.settings(threshold: 100_000, turns: 1)
        ) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Q1"])["session_id"])
            try await client.call("turn/start", ["session_id": session, "prompt": "Q2"])
            for count in 1...100 {
                _ = client.request("session/compact", ["session_id": session])
                await client.waitForEvent("compaction_started", count: count)
                try await client.call("turn/interrupt", ["session_id": session])
                let answers = client.lines.filter { $0["method"] == nil }.suffix(2)
                #expect(answers.first?["error"]?["data"]?["details"] == ["reason": "cancelled"])
                #expect(answers.last?["result"] == ["interrupted": true])
            }
        }
    }
}

/// A tool that says how often it was called.
final class CountingTool: Tool {
    let definition = ToolDefinition(name: "note", description: "Counts.", inputSchema: .emptyObject)
    private let recorder = RecordingTool(name: "note")

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        _ = try await recorder.call(arguments, in: context)
        return .text("\(recorder.calls.count)")
    }
}
