import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Resuming {
    /// Runs a session until `tool` has been started and lets its process die there; tells the session and the run.
    private static func crash(
        in store: RecordingStore, _ provider: ScriptedProvider, tools: [any Tool], after event: String, count: Int = 1,
        _ configuration: Configuration = Configuration()
    ) async throws -> (session: JSONValue, run: JSONValue) {
        var started = JSONValue.null
        try await withTestClient(
            provider, store: store, ids: RandomIDGenerator(), tools: tools, configuration: configuration
        ) { client in
            let session = try await client.call("session/create", ["initial_turn": false])["session_id"] ?? .null
            _ = client.request(
                "turn/start",
                ["session_id": session, "prompt": "Go", "run_id": "01936f8a-7b2c-7000-8000-00000000000a"])
            await client.waitForEvent(event, count: count)
            started = session
            // From here on nothing is stored any more.
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        return (started, "01936f8a-7b2c-7000-8000-00000000000a")
    }

    @Test(arguments: [ToolEffect.pure, .idempotent, .once])
    func aCallThatWasStartedIsMadeAgainIfItsEffectAllows(effect: ToolEffect) async throws {
        let store = RecordingStore()
        let before = EffectTool(name: "act", effect: effect, isHeld: true)
        let (session, run) = try await Self.crash(
            in: store, ScriptedProvider(.toolCall("act", arguments: "{}")), tools: [before],
            after: "tool_execution_started")
        let after = EffectTool(name: "act", effect: effect, isHeld: false)
        let provider = ScriptedProvider(.text("Done."))
        try await withTestClient(provider, store: store, tools: [after]) { client in
            let shown = try await client.call("session/read", ["session_id": session])
            #expect(shown["state"] == "interrupted")
            #expect(shown["run_id"] == run)
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(result["text"] == "Done.")
            #expect(result["run_id"] == run)
            #expect(result["turns"] == 2)
            #expect(result["tool_calls"] == 1)
            #expect(after.calls.count == (effect == .once ? 0 : 1))
            let content =
                effect == .once
                ? #"{\"error\":\"interrupted\",\"message\":\"The call was interrupted; whether it had its effect is unknown.\"}"#
                : "act {}"
            #expect(provider.histories.last?.hasSuffix(#"{"results":["call_1:"# + content + #""]}]"#) == true)
            #expect(client.events[0]["resumed"] == true)
            #expect(client.events[0]["prompt"] == "Go")
            // A call that is closed is told of as well.
            #expect(client.eventNames.filter { $0 == "tool_execution_completed" }.count == 1)
            #expect(client.eventNames.filter { $0.hasPrefix("run_") } == ["run_started", "run_completed"])
            #expect(try await client.call("session/read", ["session_id": session])["state"] == "idle")
        }
    }

    @Test func finishedCallsKeepTheirResultsAndUnstartedOnesAreStarted() async throws {
        let store = RecordingStore()
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 1
        let calls = ["a", "b", "c"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        func tools(isHeld: Bool) -> [EffectTool] {
            [
                EffectTool(name: "a", effect: .once, isHeld: false),
                EffectTool(name: "b", effect: .pure, isHeld: isHeld),
                EffectTool(name: "c", effect: .once, isHeld: isHeld),
            ]
        }
        let (session, _) = try await Self.crash(
            in: store, ScriptedProvider(.answer(calls, stopReason: .toolUse)), tools: tools(isHeld: true),
            after: "tool_execution_started", count: 2, configuration)
        let after = tools(isHeld: false)
        let provider = ScriptedProvider(.text("Done."))
        try await withTestClient(provider, store: store, tools: after) { client in
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(result["text"] == "Done.")
            #expect(after.map(\.calls.count) == [0, 1, 1])
            #expect(provider.histories.last?.hasSuffix(#"{"results":["a:a {}","b:b {}","c:c {}"]}]"#) == true)
            #expect(result["tool_calls"] == 3)
        }
    }

    @Test func callsAreCountedOnceAndRefusedAgain() async throws {
        let store = RecordingStore()
        let calls = ["a", "b"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        let tools = ["a", "b"].map { EffectTool(name: $0, effect: .pure, isHeld: true) }
        let provider = ScriptedProvider(.answer([.text("Two.")] + calls, stopReason: .toolUse))
        var session = JSONValue.null
        try await withTestClient(provider, store: store, ids: RandomIDGenerator(), tools: tools) { client in
            _ = client.request("session/create", ["prompt": "Go", "limits": ["max_tool_calls": 1]])
            await client.waitForEvent("tool_execution_started", count: 2)
            session = client.events[0]["session_id"] ?? .null
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        let after = ["a", "b"].map { EffectTool(name: $0, effect: .pure, isHeld: false) }
        try await withTestClient(ScriptedProvider(), store: store, tools: after) { client in
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(result["tool_calls"] == 2)
            #expect(result["stop_reason"] == "budget_exhausted")
            #expect(after.map(\.calls.count) == [1, 0])
        }
    }

    @Test func callsAreCountedOnceWhenOnlyThoseThatWereNotStartedAreLeft() async throws {
        let store = RecordingStore()
        var configuration = Configuration()
        configuration.tools.maxConcurrent = 1
        let calls = ["a", "b"].map { Block.toolUse(ToolUse(id: $0, name: $0, arguments: .emptyObject)) }
        func tools(isHeld: Bool) -> [EffectTool] {
            ["a", "b"].map { EffectTool(name: $0, effect: .once, isHeld: isHeld) }
        }
        let (session, _) = try await Self.crash(
            in: store, ScriptedProvider(.answer(calls, stopReason: .toolUse)), tools: tools(isHeld: true),
            after: "tool_execution_started", configuration)
        let after = tools(isHeld: false)
        try await withTestClient(ScriptedProvider(.text("Done.")), store: store, tools: after) { client in
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(after.map(\.calls.count) == [0, 1])
            #expect(result["tool_calls"] == 2)
        }
    }

    @Test func callsThatAnEarlierRunWasRefusedDoNotEndThisOne() async throws {
        let store = RecordingStore()
        var configuration = Configuration()
        configuration.budget.maxToolCalls = 1
        let calls = ["a", "b"].map { Block.toolUse(ToolUse(id: $0, name: "a", arguments: .emptyObject)) }
        let tools = [EffectTool(name: "a", effect: .pure, isHeld: false)]
        var session = JSONValue.null
        try await withTestClient(
            ScriptedProvider(.answer([.text("Two.")] + calls, stopReason: .toolUse)), store: store,
            ids: RandomIDGenerator(), tools: tools, configuration: configuration
        ) { client in
            session = try await client.call("session/create", ["prompt": "Go"])["session_id"] ?? .null
        }
        // The next run begins with a summary, which never comes.
        configuration.compaction.threshold = 1
        configuration.compaction.recentTurns = 0
        let silent = ScriptedProvider(.silence())
        try await withTestClient(
            silent, store: store, ids: RandomIDGenerator(), tools: tools, configuration: configuration
        ) { client in
            _ = client.request("turn/start", ["session_id": session, "prompt": "On"])
            await client.waitForEvent("compaction_started")
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        configuration.compaction.isEnabled = false
        let provider = ScriptedProvider(.text("Done."))
        try await withTestClient(provider, store: store, tools: tools, configuration: configuration) { client in
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(result["text"] == "Done.")
        }
    }

    @Test func aCallOfTheModelThatHasNoAnswerIsMadeAgain() async throws {
        let store = RecordingStore()
        let (session, run) = try await Self.crash(
            in: store, ScriptedProvider(.silence(after: "Once")), tools: [], after: "text_delta")
        let provider = ScriptedProvider(.text("Upon a time."))
        try await withTestClient(provider, store: store) { client in
            let result = try await client.call("turn/resume", ["session_id": session, "run_id": run])
            #expect(result["text"] == "Upon a time.")
            #expect(result["turns"] == 1)
            #expect(provider.histories == [#"[{"user":["Go"]}]"#])
            let attempts = store.appends.joined().compactMap { kind -> Int? in
                if case .modelCalled(let call) = kind { call.attempt } else { nil }
            }
            #expect(attempts == [1, 2])
            // Asked again, the run is answered by its record.
            #expect(try await client.call("turn/resume", ["session_id": session, "run_id": run]) == result)
            #expect(provider.requests.count == 1)
        }
    }

    @Test func extractionGoesOnWhereItStood() async throws {
        let store = RecordingStore()
        let schema: JSONValue = ["type": "object", "required": ["a"]]
        let first = ScriptedProvider(.text("no"), .silence(after: "{"))
        var session = JSONValue.null
        try await withTestClient(first, store: store, ids: RandomIDGenerator()) { client in
            _ = client.request(
                "session/create", ["prompt": "Go", "output_schema": schema, "structured_output_retries": 1])
            await client.waitForEvent("text_delta", count: 2)
            session = client.events[0]["session_id"] ?? .null
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        let provider = ScriptedProvider(.text("still no"))
        try await withTestClient(provider, store: store) { client in
            let failure = await client.failure("turn/resume", ["session_id": session])
            #expect(failure?.details?["attempts"] == 2)
            #expect(provider.requests.count == 1)
            #expect(provider.histories[0].contains("That is not what was asked for"))
        }
    }

    @Test(arguments: [true, false])
    func anInterruptIsAnsweredAfterTheRunThatWasResumed(isNamed: Bool) async throws {
        let store = RecordingStore()
        let (session, run) = try await Self.crash(
            in: store, ScriptedProvider(.silence(after: "Once")), tools: [], after: "text_delta")
        try await withTestClient(ScriptedProvider(.silence(after: "Once")), store: store) { client in
            let params: JSONValue =
                isNamed ? ["session_id": session, "run_id": run] : ["session_id": session]
            let request = client.request("turn/resume", params)
            await client.waitForEvent("text_delta")
            try await client.call("turn/interrupt", ["session_id": session])
            let answers = client.lines.filter { $0["method"] == nil }
            #expect(answers.map { $0["id"] } == [1, 2])
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "cancelled"])
        }
    }

    @Test(arguments: 0..<20)
    func askingForTheRunAtOnceWaitsForItOrSaysThatItWasInterrupted(_: Int) async throws {
        let store = RecordingStore()
        let (session, run) = try await Self.crash(
            in: store, ScriptedProvider(.silence(after: "Once")), tools: [], after: "text_delta")
        try await withTestClient(ScriptedProvider(.text("Done.")), store: store) { client in
            let again = client.request("turn/start", ["session_id": session, "prompt": "Go", "run_id": run])
            let resumed = client.request("turn/resume", ["session_id": session, "run_id": run])
            let result = try await client.answer(resumed)
            #expect(result["text"] == "Done.")
            let failure: TestClient.Failure?
            do {
                let same = try await client.answer(again)
                #expect(same == result)
                failure = nil
            } catch {
                failure = error as? TestClient.Failure
            }
            #expect(failure == nil || failure?.details?["reason"] == "interrupted")
        }
    }

    @Test func aSessionWithoutACutRunHasNothingToGoOnWith() async throws {
        try await withTestClient(ScriptedProvider(.text("a"))) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "x"])["session_id"])
            let failure = await client.failure("turn/resume", ["session_id": session])
            #expect(failure?.code == -32003)
            #expect(failure?.name == "SESSION_NOT_RUNNING")
            #expect(client.eventNames.filter { $0 == "run_started" }.count == 1)
        }
    }

    @Test func aRunThatGoesOnHereIsBusyAndNotCutOff() async throws {
        try await withTestClient(ScriptedProvider(.silence(after: "So far"))) { client in
            let session = try #require(
                try await client.call("session/create", ["initial_turn": false])["session_id"])
            let turn = client.request("turn/start", ["session_id": session, "prompt": "x"])
            await client.waitForEvent("text_delta")
            let failure = await client.failure("turn/resume", ["session_id": session])
            #expect(failure?.name == "SESSION_BUSY")
            #expect(failure?.details == nil)
            try await client.call("turn/interrupt", ["session_id": session])
            await #expect(throws: TestClient.Failure.self) { try await client.answer(turn) }
        }
    }
}

/// A recording tool with an effect.
final class EffectTool: Tool {
    let definition: ToolDefinition
    let effect: ToolEffect
    private let recorder: RecordingTool

    init(name: String, effect: ToolEffect, isHeld: Bool) {
        recorder = RecordingTool(name: name, isHeld: isHeld)
        definition = recorder.definition
        self.effect = effect
    }

    var calls: [String] { recorder.calls }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        try await recorder.call(arguments, in: context)
    }
}
