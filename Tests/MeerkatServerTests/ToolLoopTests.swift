import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct ToolLoops {
    private static func results(_ provider: ScriptedProvider) -> JSONValue? {
        guard let history = provider.histories.last else { return nil }
        return try? JSONValue(json: Array(history.utf8)).array?.last?["results"]
    }

    @Test(arguments: [
        (#"{"seconds":"5"}"#, "invalid_arguments"), (#"{}"#, "invalid_arguments"),
        (#"{"seconds":301}"#, "invalid_arguments"), (#"[]"#, "invalid_arguments"),
    ])
    func argumentsThatDoNotFitTheSchemaAreRefusedAndTheModelIsToldWhy(arguments: String, code: String) async throws {
        let provider = ScriptedProvider(.toolCall("wait", arguments: arguments), .text("Sorry."))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", ["prompt": "Wait", "enable_builtins": true])
            #expect(result["text"] == "Sorry.")
            #expect(result["tool_calls"] == 1)
            let text = Self.results(provider)?.array?.first?.string ?? ""
            #expect(text.hasPrefix("call_1:{\"error\":\"\(code)\",\"message\":"))
        }
    }

    @Test func builtInToolsExistOnlyForSessionsThatAskForThem() async throws {
        let provider = ScriptedProvider(.text("a"), .text("b"))
        try await withTestClient(provider) { client in
            try await client.call("session/create", ["prompt": "x", "enable_builtins": true])
            try await client.call("session/create", ["prompt": "x"])
            #expect(provider.requests[0].tools.map(\.name).contains("datetime"))
            #expect(provider.requests[1].tools == [])
        }
    }

    @Test func theClockOfTheRuntimeIsTheOneThatToolsSee() async throws {
        let provider = ScriptedProvider(.toolCall("datetime", arguments: "{}"), .text("Now."))
        try await withTestClient(provider) { client in
            try await client.call("session/create", ["prompt": "When?", "enable_builtins": true])
            let shown = client.events.first { $0["type"] == "tool_execution_completed" }
            #expect(
                shown?["result"]
                    == #"{"iso8601":"2026-01-01T00:00:00Z","date":"2026-01-01","time":"00:00:00","timezone":"UTC","unix_timestamp":1767225600,"year":"2026","month":"01","day":"01","weekday":"Thursday"}"#
            )
        }
    }

    @Test func eventsOfTwoCallsComeInTheDocumentedOrder() async throws {
        let tools = ["a", "b"].map { ConstantTool(name: $0, isPolling: false) }
        let provider = ScriptedProvider(
            .toolCalls((id: "1", name: "a", arguments: "{}"), (id: "2", name: "b", arguments: "{}")), .text("Done."))
        try await withTestClient(provider, tools: tools) { client in
            let result = try await client.call("session/create", ["prompt": "Both"])
            #expect(result["turns"] == 2)
            let shown = client.events.map { event in
                (event["type"]?.string ?? "") + (event["id"]?.string.map { "(\($0))" } ?? "")
            }
            #expect(
                shown.prefix(7) == [
                    "run_started", "turn_started", "tool_call_requested(1)", "tool_call_requested(2)",
                    "turn_completed", "tool_execution_started(1)", "tool_execution_started(2)",
                ])
            // Which of them ends first is open.
            #expect(
                Set(shown[7..<11]) == [
                    "tool_execution_completed(1)", "tool_result_received(1)", "tool_execution_completed(2)",
                    "tool_result_received(2)",
                ])
            #expect(
                shown.suffix(5) == ["turn_started", "text_delta", "text_complete", "turn_completed", "run_completed"])
        }
    }

    @Test func aToolThatFailsIsReportedToTheModel() async throws {
        let provider = ScriptedProvider(.toolCall("broken", arguments: "{}"), .text("I see."))
        try await withTestClient(provider, tools: [FailingTool()]) { client in
            let result = try await client.call("session/create", ["prompt": "Go"])
            #expect(result["text"] == "I see.")
            #expect(Self.results(provider) == [#"call_1:{"error":"execution_failed","message":"out of paper"}"#])
        }
    }

    @Test func twentyCallsOverlap() async throws {
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 20
        let tools = (0..<20).map { RecordingTool(name: "t\($0)", isHeld: true) }
        let calls = (0..<20).map { Block.toolUse(ToolUse(id: "c\($0)", name: "t\($0)", arguments: .emptyObject)) }
        let provider = ScriptedProvider(.answer(calls, stopReason: .toolUse), .text("Done."))
        try await withTestClient(provider, tools: tools, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "All"])
            await client.waitForEvent("tool_execution_started", count: 20)
            // Each has begun before any of them has ended.
            #expect(tools.allSatisfy { $0.calls.count == 1 })
            #expect(!client.eventNames.contains("tool_execution_completed"))
            for tool in tools.reversed() { tool.release() }
            let result = try await client.answer(request)
            #expect(result["tool_calls"] == 20)
            #expect(Self.results(provider) == .array((0..<20).map { .string("c\($0):t\($0) {}") }))
        }
    }

    @Test func aCallBeyondTheCapWaitsAndIsNotRecordedAsStartedBefore() async throws {
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 2
        let store = RecordingStore()
        let tools = ["a", "b", "c"].map { RecordingTool(name: $0, isHeld: true) }
        let calls = ["a", "b", "c"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        let provider = ScriptedProvider(.answer(calls, stopReason: .toolUse), .text("Done."))
        try await withTestClient(provider, store: store, tools: tools, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "All"])
            await client.waitForEvent("tool_execution_started", count: 2)
            #expect(tools[2].calls == [])
            #expect(store.appends.last?.map(\.name) == ["modelAnswered", "toolStarted", "toolStarted"])
            tools[1].release()
            await client.waitForEvent("tool_execution_started", count: 3)
            #expect(store.appends.last?.map(\.name) == ["toolFinished", "toolStarted"])
            for tool in tools { tool.release() }
            try await client.answer(request)
            #expect(Self.results(provider) == ["a:a {}", "b:b {}", "c:c {}"])
        }
    }

    @Test func aCallThatTakesTooLongIsEndedAndTheModelIsTold() async throws {
        let clock = TestClock()
        var configuration = Configuration()
        configuration.tools.toolTimeouts["slow"] = LooseDuration(duration: .seconds(7))
        let provider = ScriptedProvider(.toolCall("slow", arguments: "{}"), .text("It hangs."))
        try await withTestClient(
            provider, clock: clock, tools: [RecordingTool(name: "slow", isHeld: true)], configuration: configuration
        ) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            clock.advance(by: .seconds(7))
            let result = try await client.answer(request)
            #expect(result["text"] == "It hangs.")
            let names = client.eventNames.filter { $0.hasPrefix("tool_") }
            #expect(
                names == [
                    "tool_call_requested", "tool_execution_started", "tool_execution_timed_out",
                    "tool_execution_completed", "tool_result_received",
                ])
            #expect(client.events.first { $0["type"] == "tool_execution_timed_out" }?["timeout_ms"] == 7000)
            #expect(
                Self.results(provider) == [#"call_1:{"error":"timeout","message":"timed out after 7000 ms"}"#])
        }
    }

    @Test func timeSpentWaitingForATurnCounts() async throws {
        let clock = TestClock()
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 1
        configuration.tools.defaultTimeout = .seconds(5)
        let tools = ["a", "b"].map { RecordingTool(name: $0, isHeld: true) }
        let calls = ["a", "b"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        let provider = ScriptedProvider(.answer(calls, stopReason: .toolUse), .text("Done."))
        try await withTestClient(provider, clock: clock, tools: tools, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            clock.advance(by: .seconds(5))
            try await client.answer(request)
            #expect(tools[1].calls == [])
            let expected = #"{"error":"timeout","message":"timed out after 5000 ms"}"#
            #expect(Self.results(provider) == [.string("a:\(expected)"), .string("b:\(expected)")])
        }
    }

    @Test(arguments: [("b", "c"), ("c", "b")])
    func aCallWhoseTimeIsOverBeforeItsTurnLeavesNoPlaceAndIsNotStarted(late: String, other: String) async throws {
        let clock = TestClock()
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 1
        configuration.tools.toolTimeouts[late] = LooseDuration(duration: .seconds(5))
        let store = RecordingStore()
        let tools = ["a", "b", "c"].map { RecordingTool(name: $0, isHeld: true) }
        let calls = ["a", "b", "c"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        let provider = ScriptedProvider(.answer(calls, stopReason: .toolUse), .text("Done."))
        try await withTestClient(
            provider, store: store, clock: clock, tools: tools, configuration: configuration
        ) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            clock.advance(by: .seconds(5))
            await client.waitForEvent("tool_result_received")
            tools[0].release()
            await client.waitForEvent("tool_execution_started", count: 3)
            for tool in tools { tool.release() }
            try await client.answer(request)
            #expect(tools.filter { !$0.calls.isEmpty }.map(\.definition.name) == ["a", other])
            let shown = client.events.compactMap { event -> String? in
                guard let name = event["type"]?.string, name.hasPrefix("tool_execution") else { return nil }
                return "\(name.dropFirst("tool_execution_".count)) \(event["id"]?.string ?? "")"
            }
            #expect(
                shown == [
                    "started a", "started \(late)", "timed_out \(late)", "completed \(late)", "completed a",
                    "started \(other)", "completed \(other)",
                ])
            let started = store.appends.joined().compactMap { kind -> String? in
                if case .toolStarted(let id, _, _, _) = kind { id } else { nil }
            }
            #expect(started == ["a", other])
        }
    }

    @Test func aToolThatHeedsNoInterruptIsLeftBehindAndNamed() async throws {
        let clock = TestClock()
        let tool = StubbornTool()
        let provider = ScriptedProvider(.toolCall("stubborn", id: "c7", arguments: "{}"), .text("Next."))
        try await withTestClient(provider, clock: clock, tools: [tool]) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("tool_execution_started")
            let session = try #require(client.events.first?["session_id"])
            let interrupt = client.request("turn/interrupt", ["session_id": session])
            await clock.waitForTimer(after: .milliseconds(4500))
            clock.advance(by: .milliseconds(4500))
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "cancelled", "survivors": ["stubborn (c7)"]])
            let interrupted = try await client.answer(interrupt)
            #expect(interrupted == ["interrupted": true, "survivors": ["stubborn (c7)"]])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "Still there?"])
            #expect(next["text"] == "Next.")
            tool.release()
        }
    }

    @Test func aCallRepeatedWithoutProgressIsBrokenOff() async throws {
        let steps = (1...7).map { number in
            // The same arguments, written differently.
            ScriptedProvider.Step.toolCall(
                "note", id: "c\(number)", arguments: number % 2 == 0 ? #"{"a":1,"b":2}"# : #"{ "b": 2, "a": 1 }"#)
        }
        let provider = ScriptedProvider(steps: steps)
        try await withTestClient(provider, tools: [ConstantTool(name: "note", isPolling: false)]) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "Go"]))
            #expect(failure.code == -32011)
            #expect(failure.details == ["reason": "max_repeats"])
            #expect(provider.requests.count == 6)
            #expect(provider.histories[5].contains("You have called note 5 times in a row"))
            #expect(!provider.histories[4].contains("in a row"))
        }
    }

    @Test func equalCallsOfOneAnswerCountOnce() async throws {
        let calls = (1...9).map { Block.toolUse(ToolUse(id: "c\($0)", name: "note", arguments: .emptyObject)) }
        let provider = ScriptedProvider(.answer(calls, stopReason: .toolUse), .text("Done."))
        try await withTestClient(provider, tools: [ConstantTool(name: "note", isPolling: false)]) { client in
            let result = try await client.call("session/create", ["prompt": "Go"])
            #expect(result["text"] == "Done.")
            #expect(provider.histories.last?.contains("in a row") == false)
        }
    }

    @Test func whatAlwaysDiffersInAResultDoesNotHideARepetition() async throws {
        let steps = (1...7).map { ScriptedProvider.Step.toolCall("clocked", id: "c\($0)", arguments: "{}") }
        let provider = ScriptedProvider(steps: steps)
        try await withTestClient(provider, tools: [ClockedTool()]) { client in
            let failure = await client.failure("session/create", ["prompt": "Go"])
            #expect(failure?.details == ["reason": "max_repeats"])
        }
    }

    @Test func pollingIsNoRepetition() async throws {
        let steps = (1...8).map { ScriptedProvider.Step.toolCall("poll", id: "c\($0)", arguments: "{}") }
        let provider = ScriptedProvider(steps: steps + [.text("Done.")])
        try await withTestClient(provider, tools: [ConstantTool(name: "poll", isPolling: true)]) { client in
            let result = try await client.call("session/create", ["prompt": "Go"])
            #expect(result["text"] == "Done.")
            #expect(result["tool_calls"] == 8)
        }
    }
}

/// A tool that goes on when it is told to end.
final class StubbornTool: Tool {
    let definition = ToolDefinition(name: "stubborn", description: "Does not stop.", inputSchema: .emptyObject)
    private let latch = AsyncLatch<Void>()

    func release() { latch.open(()) }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        await latch.value
        return .text("late")
    }
}

/// A tool that always says the same.
struct ConstantTool: Tool {
    let definition: ToolDefinition
    let isPolling: Bool
    let effect = ToolEffect.pure

    init(name: String, isPolling: Bool) {
        definition = ToolDefinition(name: name, description: "Says ok.", inputSchema: .emptyObject)
        self.isPolling = isPolling
    }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput { .text("ok") }
}

/// A tool that cannot.
struct FailingTool: Tool {
    let definition = ToolDefinition(name: "broken", description: "Fails.", inputSchema: .emptyObject)

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        throw .executionFailed("out of paper")
    }
}

/// A tool that says how long it took.
struct ClockedTool: Tool {
    let definition = ToolDefinition(name: "clocked", description: "Says ok.", inputSchema: .emptyObject)

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        ToolOutput([.text("ok after \(context.toolUseID) s")], essence: "ok")
    }
}
