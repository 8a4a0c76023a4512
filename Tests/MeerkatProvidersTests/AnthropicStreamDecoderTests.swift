import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct AnthropicStreamDecoderTests {
    static let start =
        #"{"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":null,"output_tokens":1}}}"#

    static func blockStart(_ index: Int, _ block: String) -> String {
        #"{"type":"content_block_start","index":\#(index),"content_block":\#(block)}"#
    }

    static func delta(_ index: Int, _ delta: String) -> String {
        #"{"type":"content_block_delta","index":\#(index),"delta":\#(delta)}"#
    }

    static func stop(_ index: Int) -> String { #"{"type":"content_block_stop","index":\#(index)}"# }

    static func end(_ reason: String, output: Int = 7) -> [String] {
        [
            #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"usage":{"output_tokens":\#(output)}}"#,
            #"{"type":"message_stop"}"#,
        ]
    }

    static func text(_ index: Int, _ text: String) -> [String] {
        [
            blockStart(index, #"{"type":"text","text":""}"#), delta(index, #"{"type":"text_delta","text":"\#(text)"}"#),
            stop(index),
        ]
    }

    @Test func allKindsOfBlocksBecomeTheAnswer() throws {
        let events =
            [Self.start, #"{"type":"ping"}"#, Self.blockStart(0, #"{"type":"thinking","thinking":"","signature":""}"#)]
            + [
                Self.delta(0, #"{"type":"thinking_delta","thinking":"Let me "}"#),
                Self.delta(0, #"{"type":"thinking_delta","thinking":"see."}"#),
                Self.delta(0, #"{"type":"signature_delta","signature":"first"}"#),
                Self.delta(0, #"{"type":"signature_delta","signature":"s/g=="}"#), Self.stop(0),
                Self.blockStart(1, #"{"type":"redacted_thinking","data":"opaque"}"#), Self.stop(1),
            ] + Self.text(2, #"\u00fcber\n\ud83c\udf0d"#) + [
                Self.blockStart(3, #"{"type":"tool_use","id":"toolu_1","name":"search","input":{}}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":""}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":"{\"q\": "}"#),
                Self.delta(3, #"{"type":"input_json_delta","partial_json":"1.0}"}"#), Self.stop(3),
                Self.blockStart(4, #"{"type":"tool_use","id":"toolu_2","name":"now","input":{}}"#), Self.stop(4),
            ] + Self.end("tool_use")
        let outcome = Outcome.anthropic(stream(events))
        let expected = ModelAnswer(
            blocks: [
                .reasoning(
                    text: "Let me see.",
                    data: try ProviderData(.anthropicMessages, "claude", #"{"type":"thinking","signature":"s/g=="}"#)),
                .reasoning(
                    text: "",
                    data: try ProviderData(
                        .anthropicMessages, "claude", #"{"type":"redacted_thinking","data":"opaque"}"#)),
                .text("über\n🌍"),
                .toolUse(ToolUse(id: "toolu_1", name: "search", arguments: try RawJSON(#"{"q": 1.0}"#))),
                .toolUse(ToolUse(id: "toolu_2", name: "now", arguments: .emptyObject)),
            ],
            stopReason: .toolUse, usage: Usage(inputTokens: 10, outputTokens: 7, cacheCreationTokens: 3))
        #expect(
            outcome
                == Outcome(
                    answer: expected, text: "über\n🌍", reasoning: "Let me see.", finishedReasoning: ["Let me see."]))
    }

    @Test func blocksOfTheProvidersOwnAreKeptAsTheyAre() throws {
        let events =
            [Self.start, Self.blockStart(0, #"{"type":"server_tool_use","id":"srv","name":"web_search","input":{}}"#)]
            + [
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"{\"query\":"}"#),
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"\"caf\\u00e9\"}"}"#), Self.stop(0),
                Self.blockStart(
                    1, #"{"type":"web_search_tool_result","tool_use_id":"srv","content":[{"score":1.50,"x":"\u00e9"}]}"#
                ),
                Self.stop(1), Self.blockStart(2, #"{"type":"compaction","content":null}"#),
                Self.delta(2, #"{"type":"compaction_delta","content":"So far"}"#),
                Self.delta(2, #"{"type":"compaction_delta","content":" so good","encrypted_content":null}"#),
                Self.stop(2),
                Self.blockStart(3, #"{"type":"future_text","text":"","citations":[]}"#),
                Self.delta(3, #"{"type":"text_delta","text":"a"}"#),
                Self.delta(3, #"{"type":"text_delta","text":"b"}"#),
                Self.delta(3, #"{"type":"citations_delta","citation":{"n":1}}"#),
                Self.delta(3, #"{"type":"citations_delta","citation":{"n":2}}"#), Self.stop(3),
            ] + Self.end("end_turn")
        let outcome = Outcome.anthropic(stream(events))
        let blocks = [
            #"{"type":"server_tool_use","id":"srv","name":"web_search","input":{"query":"caf\u00e9"}}"#,
            #"{"type":"web_search_tool_result","tool_use_id":"srv","content":[{"score":1.50,"x":"\u00e9"}]}"#,
            #"{"type":"compaction","content":"So far so good"}"#,
            #"{"type":"future_text","text":"ab","citations":[{"n":1},{"n":2}]}"#,
        ]
        #expect(
            outcome.answer?.blocks == (try blocks.map { .opaque(try ProviderData(.anthropicMessages, "claude", $0)) }))
    }

    @Test func citationsAreNotPartOfAText() {
        let events =
            [Self.start, Self.blockStart(0, #"{"type":"text","text":"","citations":[]}"#)] + [
                Self.delta(0, #"{"type":"citations_delta","citation":{"n":1}}"#),
                Self.delta(0, #"{"type":"text_delta","text":"cited"}"#), Self.stop(0),
            ] + Self.end("end_turn")
        #expect(Outcome.anthropic(stream(events)).answer?.blocks == [.text("cited")])
    }

    @Test(arguments: [
        ("end_turn", StopReason.endTurn, false), ("tool_use", .toolUse, false), ("max_tokens", .maxTokens, false),
        ("stop_sequence", .stopSequence, false), ("refusal", .contentFilter, false),
        ("model_context_window_exceeded", .maxTokens, false), ("pause_turn", .endTurn, true),
        ("something_new", .endTurn, false),
    ])
    func stopReasons(_ reason: String, _ expected: StopReason, isPaused: Bool) {
        let answer = Outcome.anthropic(stream([Self.start] + Self.text(0, "x") + Self.end(reason))).answer
        #expect(answer?.stopReason == expected)
        #expect(answer?.isPaused == isPaused)
    }

    @Test func argumentsThatWereCutOffAreNotGuessed() {
        let events =
            [Self.start, Self.blockStart(0, #"{"type":"tool_use","id":"a","name":"write","input":{}}"#)] + [
                Self.delta(0, #"{"type":"input_json_delta","partial_json":"{\"path\": \"/tm"}"#)
            ] + Self.end("max_tokens")
        let cut = ToolUse(id: "a", name: "write", arguments: nil, malformedArguments: #"{"path": "/tm"#)
        #expect(Outcome.anthropic(stream(events)).answer?.blocks == [.toolUse(cut)])
        let empty = [events[0], events[1]] + Self.end("max_tokens")
        #expect(
            Outcome.anthropic(stream(empty)).answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "write", arguments: nil, malformedArguments: ""))])
    }

    @Test(arguments: [
        ("overloaded_error", ProviderError.Reason.overloaded, true), ("rate_limit_error", .rateLimited, true),
        ("api_error", .serverError, true), ("timeout_error", .timeout, true),
        ("authentication_error", .authentication, false), ("permission_error", .permissionDenied, false),
        ("not_found_error", .modelNotFound, false), ("request_too_large", .requestTooLarge, false),
        ("invalid_request_error", .invalidRequest, false), ("something_new", .unknown, true),
    ])
    func errorsInTheStreamAreTyped(_ type: String, _ reason: ProviderError.Reason, isRetryable: Bool) {
        let event = #"{"type":"error","error":{"type":"\#(type)","message":"Sorry"},"request_id":"r"}"#
        let outcome = Outcome.anthropic(stream([Self.start] + Self.text(0, "so far") + [event]))
        #expect(outcome.error?.reason == reason)
        #expect(outcome.error?.message == "the provider reported an error (\(type)): Sorry")
        #expect(outcome.error?.isRetryable == isRetryable)
        #expect(outcome.text == "so far")
    }

    @Test func whatIsNotKnownIsIgnored() {
        let events =
            [Self.start, #"{"type":"new_event","delta":{"text":"no"}}"#, #"{"no":"type"}"#, "[1]", "null"]
            + Self.text(0, "yes") + [Self.delta(0, #"{"type":"new_delta","text":"no"}"#)] + Self.end("end_turn")
        #expect(Outcome.anthropic(stream(events)).answer?.blocks == [.text("yes")])
    }

    @Test func onlyMeaningfulEventsAreProgress() throws {
        var reader = EventStreamReader(
            AnthropicStreamDecoder(model: "claude", failure: ProviderFailure(key: nil)))
        func isProgress(_ text: String) throws -> Bool {
            var batch = EventBatch()
            try Array(text.utf8).withBytes { (bytes) throws(ProviderError) in
                try reader.decode(bytes.bytes, into: &batch)
            }
            return batch.hasProgress
        }
        #expect(try isProgress("data: \(Self.start)\n\n"))
        #expect(try !isProgress("event: ping\ndata: {\"type\":\"ping\"}\n\n"))
        #expect(try !isProgress(": keep-alive\n\n"))
        #expect(try isProgress("data: \(Self.blockStart(0, #"{"type":"text","text":""}"#))\n\n"))
    }

    @Test func theAnswerIsCompleteWithItsStopReason() {
        let whole = [Self.start] + Self.text(0, "x") + Self.end("end_turn")
        #expect(Outcome.anthropic(stream(Array(whole.dropLast()))) == Outcome.anthropic(stream(whole)))
        // Some proxies send no reason at all.
        #expect(
            Outcome.anthropic(stream(Array(whole.dropLast(2)) + [whole[whole.count - 1]])).answer?.stopReason
                == .endTurn)
        let cut = Outcome.anthropic(stream(Array(whole.dropLast(2))))
        #expect(cut.error?.reason == .incomplete)
        #expect(cut.error?.usage == Usage(inputTokens: 10, outputTokens: 1, cacheCreationTokens: 3))
        #expect(Outcome.anthropic([]).error?.reason == .incomplete)
        #expect(Outcome.anthropic(stream(#"{"type":"message_stop"}"#)).error?.reason == .incomplete)
    }

    @Test func whatFollowsTheStopReasonDoesNoHarm() {
        let answer = [Self.start] + Self.text(0, "x") + Self.end("end_turn").dropLast()
        let late =
            answer + [#"{"type":"error","error":{"type":"api_error"}}"#, "{broken", #"{"type":"message_stop"}"#, "{"]
        #expect(Outcome.anthropic(stream(late)) == Outcome.anthropic(stream(answer)))
        #expect(Outcome.anthropic(stream(late)).answer != nil)
    }

    @Test(arguments: [
        [start, start], [start, "{broken"], [start, blockStart(0, "7")],
        [start, delta(0, #"{"type":"input_json_delta","partial_json":"{}"}"#)],
        [start, blockStart(0, #"{"type":"tool_use","input":{}}"#)] + end("tool_use"),
        [
            start, blockStart(0, #"{"type":"tool_use","id":"a","name":"b"}"#),
            delta(0, #"{"type":"text_delta","text":"x"}"#),
        ],
    ])
    func whatTheFormatDoesNotAllowIsMalformed(_ events: [String]) {
        #expect(Outcome.anthropic(stream(events)).error?.reason == .malformedResponse)
    }

    @Test func aTextWithoutAStartIsTaken() {
        let events = [Self.start, Self.delta(0, #"{"text":"x","type":"text_delta"}"#)] + Self.end("end_turn")
        #expect(Outcome.anthropic(stream(events)).answer?.blocks == [.text("x")])
    }

    @Test func bytesThatAreNoUTF8AreReplaced() {
        var events = stream([Self.start] + Self.text(0, "a?b") + Self.end("end_turn"))
        for index in events.indices where events[index] == UInt8(ascii: "?") { events[index] = 0xFF }
        #expect(Outcome.anthropic(events).answer?.blocks == [.text("a\u{FFFD}b")])
    }

    @Test func aMessageThatIsNotStreamedIsTaken() throws {
        var decoder = AnthropicStreamDecoder(model: "claude", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        let json =
            #"{"type":"message","content":[{"type":"thinking","thinking":"Hm","signature":"s"},{"type":"text","text":"Hi"},{"type":"tool_use","id":"a","name":"b","input":{"c":[]}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#
        try decoder.decode(whole: Array(json.utf8), into: &batch)
        let answer = try decoder.finish(into: &batch)
        let data = try ProviderData(.anthropicMessages, "claude", #"{"type":"thinking","signature":"s"}"#)
        #expect(
            answer
                == ModelAnswer(
                    blocks: [
                        .reasoning(text: "Hm", data: data), .text("Hi"),
                        .toolUse(ToolUse(id: "a", name: "b", arguments: try RawJSON(#"{"c":[]}"#))),
                    ], stopReason: .toolUse, usage: Usage(inputTokens: 1, outputTokens: 2)))
        #expect(
            batch.events == [
                .reasoningDelta(ReasoningDelta(delta: "Hm")), .reasoningComplete(ReasoningComplete(content: "Hm")),
                .textDelta(TextDelta(delta: "Hi")),
            ])
    }
}
