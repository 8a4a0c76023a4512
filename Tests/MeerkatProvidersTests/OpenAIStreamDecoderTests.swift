import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct OpenAIStreamDecoderTests {
    static func added(_ index: Int, _ item: String) -> String {
        #"{"type":"response.output_item.added","output_index":\#(index),"item":\#(item)}"#
    }

    static func done(_ index: Int, _ item: String) -> String {
        #"{"type":"response.output_item.done","output_index":\#(index),"item":\#(item)}"#
    }

    /// A delta as the API sends it.
    static func delta(_ kind: String, _ index: Int, _ id: String, _ text: String, part: Int = 0) -> String {
        let partName = kind.contains("summary") ? "summary_index" : "content_index"
        return
            #"{"type":"response.\#(kind).delta","item_id":"\#(id)","output_index":\#(index),"\#(partName)":\#(part),"delta":"\#(text)","obfuscation":"x"}"#
    }

    static let usage =
        #"{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":14}"#

    static let counted = Usage(inputTokens: 9, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 2)

    static func end(_ kind: String, _ members: String = #""status":"completed""#, output: [String] = []) -> String {
        #"{"type":"response.\#(kind)","response":{"object":"response",\#(members),"output":[\#(output.joined(separator: ","))],"usage":\#(usage)}}"#
    }

    static func completed(_ output: String...) -> String { end("completed", output: output) }

    static func incomplete(_ reason: String) -> String {
        end("incomplete", #""status":"incomplete","incomplete_details":{"reason":"\#(reason)"}"#)
    }

    static func message(_ id: String, _ text: String) -> String {
        #"{"id":"\#(id)","type":"message","role":"assistant","content":[{"type":"output_text","text":"\#(text)","annotations":[]}]}"#
    }

    static func functionCall(_ id: String, _ callID: String, _ arguments: String) -> String {
        #"{"id":"\#(id)","type":"function_call","status":"completed","call_id":"\#(callID)","name":"f","arguments":\#(quoted(arguments))}"#
    }

    private static func quoted(_ text: String) -> String { RawJSON(encoding: text).text }

    static let emptyMessage = #"{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}"#

    static let hello = [
        #"{"type":"response.created","response":{"status":"in_progress","error":null,"usage":null}}"#,
        added(1, emptyMessage),
        #"{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}"#,
        delta("output_text", 1, "msg_1", "Hel"), delta("output_text", 1, "msg_1", "lo"),
        #"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"Hello"}"#,
        done(1, message("msg_1", "Hello")),
    ]

    static let thought = [
        added(0, #"{"id":"rs_1","type":"reasoning","summary":[]}"#),
        delta("reasoning_summary_text", 0, "rs_1", "Let me"), delta("reasoning_summary_text", 0, "rs_1", " see."),
        delta("reasoning_summary_text", 0, "rs_1", "So.", part: 1), done(0, reasoning),
    ]

    static let reasoning =
        #"{"id":"rs_1","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"Let me see."},{"type":"summary_text","text":"So."}],"encrypted_content":"e/9="}"#

    static func call(_ index: Int, _ id: String, _ callID: String, _ arguments: String) -> [String] {
        [
            added(index, functionCall(id, callID, "")),
            delta("function_call_arguments", index, id, String(arguments.prefix(4))),
            delta("function_call_arguments", index, id, String(arguments.dropFirst(4))),
            done(index, functionCall(id, callID, arguments.replacing(#"\""#, with: "\""))),
        ]
    }

    static let searchCall =
        #"{"id":"ws_1", "type":"web_search_call","status":"completed","action":{"query":"caf\u00e9"}}"#

    static func search(_ index: Int) -> [String] {
        [
            added(index, #"{"id":"ws_1","type":"web_search_call","status":"in_progress"}"#),
            #"{"type":"response.web_search_call.searching","item_id":"ws_1","output_index":\#(index),"error":"slow"}"#,
            done(index, searchCall),
        ]
    }

    private func toolUse(_ id: String, _ arguments: String) throws -> Block {
        .toolUse(ToolUse(id: id, name: "f", arguments: try RawJSON(arguments)))
    }

    private func opaque(_ json: String) throws -> Block { .opaque(try ProviderData(.openAIResponses, "gpt", json)) }

    private static let thoughts = "Let me see.\n\nSo."

    private func thoughtBlock() throws -> Block {
        let json = Self.reasoning.replacing(#""status":"completed","#, with: "")
        return .reasoning(text: Self.thoughts, data: try ProviderData(.openAIResponses, "gpt", json))
    }

    // MARK: Items

    @Test func textIsNotTakenTwice() {
        let answer = ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: Self.counted)
        let end = Self.completed(Self.message("msg_1", "Hello"))
        #expect(Outcome.openai(stream(Self.hello + [end])) == Outcome(answer: answer, text: "Hello"))
        #expect(Outcome.openai(stream(Self.hello + [end, "{broken", "[DONE]"])).answer == answer)
        #expect(Outcome.openai(stream(Self.hello + [Self.completed()])).answer == answer)
    }

    @Test func allKindsOfItemsBecomeTheAnswer() throws {
        let events =
            Self.thought + Self.hello + Self.search(2) + Self.call(3, "fc_1", "a", #"{\"x\": 1.0}"#)
            + Self.call(4, "fc_2", "b", "{}")
        let whole = Self.completed(
            Self.reasoning, Self.message("msg_1", "Hello"), Self.searchCall,
            Self.functionCall("fc_1", "a", #"{"x": 1.0}"#),
            Self.functionCall("fc_2", "b", "{}"))
        let answer = ModelAnswer(
            blocks: [
                try thoughtBlock(), .text("Hello"), try opaque(Self.searchCall), try toolUse("a", #"{"x": 1.0}"#),
                try toolUse("b", "{}"),
            ], stopReason: .toolUse, usage: Self.counted)
        let outcome = Outcome(
            answer: answer, text: "Hello", reasoning: Self.thoughts, finishedReasoning: [Self.thoughts])
        #expect(Outcome.openai(stream(events + [whole])) == outcome)
        // What was not streamed is taken from the end, and from a body that is no stream.
        #expect(Outcome.openai(stream(whole)) == outcome)
        #expect(Outcome.openai(stream(Self.thought + [whole])).answer == answer)
        #expect(Outcome.openai(stream(Self.hello + Self.search(2) + [whole])).answer == answer)
        #expect(try self.whole(whole) == outcome)
    }

    private func whole(_ event: String) throws -> Outcome {
        var outcome = Outcome()
        var decoder = OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        let response = event.dropFirst(#"{"type":"response.completed","response":"#.count).dropLast()
        try decoder.decode(whole: Array(response.utf8), into: &batch)
        outcome.answer = try decoder.finish(into: &batch)
        outcome.add(batch)
        return outcome
    }

    @Test func thoughtsThemselvesAreShownToo() throws {
        let item = #"{"id":"rs_1","type":"reasoning","content":[{"type":"reasoning_text","text":"Hm."}],"summary":[]}"#
        let events = [
            Self.added(0, #"{"id":"rs_1","type":"reasoning","content":[],"summary":[]}"#),
            Self.delta("reasoning_text", 0, "rs_1", "Hm."), Self.delta("reasoning_summary_text", 0, "rs_1", "no"),
            Self.done(0, item), Self.completed(item),
        ]
        let outcome = Outcome.openai(stream(events))
        #expect(
            outcome.answer?.blocks
                == [.reasoning(text: "Hm.", data: try ProviderData(.openAIResponses, "gpt", item))])
        #expect(outcome.reasoning == "Hm.")
        #expect(outcome.finishedReasoning == ["Hm."])
    }

    @Test func deltasThatAreMissingAreMadeUpFor() {
        let events = [
            Self.added(0, Self.emptyMessage), Self.delta("output_text", 0, "msg_1", "Hel"),
            Self.done(0, Self.message("msg_1", "Hello")),
        ]
        #expect(Outcome.openai(stream(events + [Self.completed()])).text == "Hello")
        #expect(
            Outcome.openai(stream(events.prefix(2) + [Self.completed(Self.message("msg_1", "Hello"))])).text == "Hello")
        // What was shown is not taken back.
        #expect(Outcome.openai(stream(events + [Self.completed(Self.message("msg_1", "Bye"))])).text == "Hello")
    }

    @Test func whatWasNotStreamedComesWhereTheResponseHasIt() throws {
        let (first, second) = (Self.functionCall("fc_1", "a", "{}"), Self.functionCall("fc_2", "b", "{}"))
        let streamed = Self.call(1, "fc_2", "b", "{}")
        let outcome = Outcome.openai(
            stream(
                streamed + [
                    Self.completed(
                        Self.message("msg_1", "Look:"), first, second, Self.message("msg_2", "So."),
                        Self.message("msg_3", "Done."))
                ]))
        #expect(
            outcome.content == [
                .text("Look:"), try toolUse("a", "{}"), try toolUse("b", "{}"), .text("So."), .text("Done."),
            ])
        #expect(outcome.text == "Look:So.Done.")
        // Without ids the items are found by their kinds, in order.
        let bare = [#"{"type":"function_call","name":"f"}"#, #"{"type":"function_call","name":"f"}"#]
        let calls = [
            #"{"type":"function_call","call_id":"","name":"f","arguments":"[1]"}"#,
            #"{"type":"function_call","call_id":"","name":"f","arguments":"[2]"}"#,
        ]
        let found = Outcome.openai(
            stream([Self.added(7, bare[0]), Self.added(8, bare[1]), Self.end("completed", output: calls)]))
        #expect(found.content == [try toolUse("call_1", "[1]"), try toolUse("call_2", "[2]")])
    }

    @Test func aMessageMayHaveAPhase() throws {
        let item =
            #"{"id":"msg_1","type":"message","phase":"commentary","role":"assistant","content":[{"type":"output_text","text":"A"},{"type":"output_text","text":"B"}]}"#
        #expect(
            Outcome.openai(stream(Self.completed(item, Self.message("msg_2", "C")))).answer?.blocks
                == [try opaque(#"{"type":"message","phase":"commentary"}"#), .text("AB"), .text("C")])
    }

    @Test func callsKeepWhatBelongsToThem() throws {
        let item = #"{"id":"fc_1","type":"function_call","call_id":"a","name":"f","arguments":"{}","namespace":"n"}"#
        let data = try ProviderData(.openAIResponses, "gpt", #"{"namespace":"n"}"#)
        #expect(
            Outcome.openai(stream(Self.completed(item))).answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "f", arguments: .emptyObject, data: data))])
    }

    @Test func itemsThatHaveOnlyBegunAreLeftOut() {
        let events = Self.hello + [Self.search(2)[0], Self.incomplete("max_output_tokens")]
        #expect(Outcome.openai(stream(events)).answer?.blocks == [.text("Hello")])
    }

    // MARK: Servers that deviate

    /// Events of two calls, and what they amount to as `id arguments`.
    static let calls: [(events: [String], calls: [String])] = [
        // Interleaved.
        (
            [
                added(0, functionCall("fc_1", "a", "")), added(1, functionCall("fc_2", "b", "")),
                delta("function_call_arguments", 0, "fc_1", "{"), delta("function_call_arguments", 1, "fc_2", "{ "),
                delta("function_call_arguments", 0, "fc_1", "}"), delta("function_call_arguments", 1, "fc_2", "}"),
            ], ["a {}", "b { }"]
        ),
        // No indexes, and the call id instead of an item id, as llama.cpp has it.
        (
            [
                #"{"type":"response.output_item.added","item":{"type":"function_call","call_id":"fc_x","name":"f","arguments":""}}"#,
                #"{"type":"response.function_call_arguments.delta","delta":"{}","item_id":"fc_x"}"#,
                #"{"type":"response.output_item.added","item":{"type":"function_call","call_id":"fc_y","name":"f","arguments":""}}"#,
                #"{"type":"response.function_call_arguments.delta","delta":"{ }","item_id":"fc_y"}"#,
                #"{"type":"response.output_item.done","item":{"type":"function_call","call_id":"fc_x","name":"f","arguments":"{}"}}"#,
            ], ["fc_x {}", "fc_y { }"]
        ),
        // Ids that change from event to event.
        (
            [
                added(0, functionCall("1", "a", "")), delta("function_call_arguments", 0, "2", "{}"),
                done(0, functionCall("3", "a", "{}")), added(1, functionCall("4", "b", "")),
                delta("function_call_arguments", 1, "5", "{ }"), done(1, functionCall("6", "b", "{ }")),
                completed(functionCall("7", "a", "{}"), functionCall("8", "b", "{ }")),
            ], ["a {}", "b { }"]
        ),
        // All at one index.
        (call(0, "fc_1", "a", "{}") + call(0, "fc_2", "b", "{ }"), ["a {}", "b { }"]),
        // No deltas, arguments as an object, no call id, the same id twice.
        (
            [
                done(0, #"{"type":"function_call","name":"f","arguments":{}}"#),
                done(1, #"{"type":"function_call","id":"fc_2","call_id":"call_2","name":"f","arguments":"{ }"}"#),
                done(2, #"{"type":"function_call","id":"fc_3","call_id":"call_2","name":"f","arguments":null}"#),
            ], ["call_1 {}", "call_2 { }", "call_3 {}"]
        ),
        // Arguments only at their end.
        (
            [
                added(0, functionCall("fc_1", "a", "")),
                #"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{}"}"#,
            ], ["a {}"]
        ),
    ]

    @Test(arguments: calls.indices)
    func callsAreFoundByWhatTheServerGives(_ index: Int) {
        let (events, calls) = Self.calls[index]
        let outcome = Outcome.openai(stream(events + [Self.completed()]))
        #expect(outcome.answer?.blocks.toolUses.map { "\($0.id) \($0.arguments?.text ?? "-")" } == calls)
        #expect(outcome.answer?.stopReason == .toolUse)
    }

    @Test func startsMayBeLost() {
        let events = [
            #"{"type":"response.reasoning_text.delta","delta":"Hm"}"#,
            #"{"type":"response.output_text.delta","delta":"A"}"#,
            #"{"type":"response.output_text.delta","delta":"B"}"#, #"{"type":"response.completed"}"#,
        ]
        #expect(
            Outcome.openai(stream(events))
                == Outcome(
                    answer: ModelAnswer(
                        blocks: [.reasoning(text: "Hm", data: nil), .text("AB")], stopReason: .endTurn, usage: nil),
                    text: "AB", reasoning: "Hm", finishedReasoning: ["Hm"]))
        let nameless = #"{"type":"response.function_call_arguments.delta","delta":"{}"}"#
        #expect(Outcome.openai(stream(nameless, Self.completed())).error?.reason == .malformedResponse)
    }

    @Test func onlyMeaningfulEventsAreProgress() throws {
        var reader = EventStreamReader(OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil)))
        func isProgress(_ event: String) throws -> Bool {
            var batch = EventBatch()
            try stream(event).withBytes { (bytes) throws(ProviderError) in
                try reader.decode(bytes.bytes, into: &batch)
            }
            return batch.hasProgress
        }
        #expect(try isProgress(Self.hello[0]))
        #expect(try !isProgress(#"{"type":"keepalive","sequence_number":3}"#))
        #expect(try !isProgress(#"{"type":"something.new"}"#))
        #expect(try !isProgress("[1]"))
        #expect(try isProgress(Self.search(0)[1]))
        #expect(try isProgress(Self.hello[3]))
    }

    // MARK: Ends

    @Test func aRefusalIsShown() {
        let events = [Self.added(0, Self.emptyMessage), Self.delta("refusal", 0, "msg_1", "I can't.")]
        let item = #"{"id":"msg_1","type":"message","content":[{"type":"refusal","refusal":"I can't."}]}"#
        let answer = ModelAnswer(blocks: [.text("I can't.")], stopReason: .contentFilter, usage: Self.counted)
        #expect(
            Outcome.openai(stream(events + [Self.done(0, item), Self.completed(item)]))
                == Outcome(answer: answer, text: "I can't."))
        #expect(Outcome.openai(stream(Self.completed(item))) == Outcome(answer: answer, text: "I can't."))
    }

    @Test(arguments: [
        (incomplete("max_output_tokens"), StopReason.maxTokens), (incomplete("content_filter"), .contentFilter),
        (incomplete("something_new"), .endTurn), (completed(), .endTurn), (end("done"), .endTurn),
        (end("completed", #""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#), .maxTokens),
    ])
    func stopReasons(_ end: String, _ expected: StopReason) {
        #expect(Outcome.openai(stream(Self.hello + [end])).answer?.stopReason == expected)
    }

    @Test func argumentsThatWereCutOffAreNotGuessed() {
        let events = [
            Self.added(0, Self.functionCall("fc_1", "a", "")),
            Self.delta("function_call_arguments", 0, "fc_1", #"{\"x"#), Self.incomplete("max_output_tokens"),
        ]
        let outcome = Outcome.openai(stream(events))
        #expect(
            outcome.answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "f", arguments: nil, malformedArguments: #"{"x"#))])
        #expect(outcome.answer?.stopReason == .maxTokens)
        #expect(
            Outcome.openai(stream(events[0], events[2])).answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "f", arguments: nil, malformedArguments: ""))])
    }

    @Test func aStreamThatIsCutIsIncomplete() {
        let events = Self.thought + Self.hello
        for count in 0...events.count {
            #expect(Outcome.openai(stream(Array(events.prefix(count)))).error?.reason == .incomplete)
        }
        #expect(Outcome.openai(stream("[DONE]")).error?.reason == .incomplete)
        #expect(Outcome.openai(stream(Self.hello + ["[DONE]"])).answer?.blocks == [.text("Hello")])
    }

    @Test func whatOnlyAccountsMayBeMissing() {
        let answer = ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: nil)
        for end in [
            #"{"type":"response.completed","response":{"usage":{"input_tokens":"?"}}}"#,
            #"{"type":"response.completed","response":null}"#,
        ] {
            #expect(Outcome.openai(stream(Self.hello + [end])).answer == answer)
        }
        let usage =
            #"{"type":"response.completed","response":{"usage":{"input_tokens":9,"input_tokens_details":{"cache_write_tokens":3,"cached_tokens":null}}}}"#
        #expect(
            Outcome.openai(stream(Self.hello + [usage])).answer?.usage
                == Usage(inputTokens: 9, outputTokens: 0, cacheCreationTokens: 3))
    }

    static func failed(_ code: String) -> String {
        end("failed", #""status":"failed","error":{"code":"\#(code)","message":"x"}"#)
    }

    @Test(arguments: [
        (failed("server_error"), ProviderError.Reason.serverError, true),
        (failed("rate_limit_exceeded"), .rateLimited, true), (failed("server_is_overloaded"), .overloaded, true),
        (failed("context_length_exceeded"), .contextLength, false),
        (failed("insufficient_quota"), .permissionDenied, false),
        (failed("invalid_prompt"), .invalidRequest, false), (failed("image_too_large"), .invalidRequest, false),
        (failed("something_new"), .unknown, true), (end("failed"), .serverError, true),
        (end("cancelled"), .incomplete, true),
        (end("completed", #""status":"failed","error":null"#), .serverError, true),
        (
            #"{"type":"error","sequence_number":3,"code":"context_length_exceeded","message":"x","param":"input"}"#,
            .contextLength, false
        ),
        (
            #"{"type":"error","error":{"type":"invalid_request_error","code":"server_is_overloaded","message":"x"}}"#,
            .overloaded, true
        ),
        (#"{"error":{"message":"x","code":429}}"#, .rateLimited, true), ("{broken", .malformedResponse, true),
    ])
    func errorsInTheStreamAreTyped(_ event: String, _ reason: ProviderError.Reason, isRetryable: Bool) {
        let outcome = Outcome.openai(stream(Self.hello + [event]))
        #expect(outcome.error?.reason == reason)
        #expect(outcome.error?.isRetryable == isRetryable)
        #expect(outcome.text == "Hello")
    }

    @Test func aFailureIsCounted() {
        var decoder = OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        #expect(throws: ProviderError.self) {
            try Array(Self.failed("server_error").utf8).withBytes { (bytes) throws(ProviderError) in
                try decoder.decode(bytes, isError: false, into: &batch)
            }
        }
        #expect(decoder.usage == Self.counted)
    }

    @Test(arguments: [
        (#"{"error":{"message":"x","code":"server_error"}}"#, ProviderError.Reason.serverError),
        (#"{"choices":[]}"#, .malformedResponse), ("[]", .malformedResponse),
    ])
    func aBodyThatIsNoResponseIsAnError(_ json: String, _ reason: ProviderError.Reason) {
        var decoder = OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        do throws(ProviderError) {
            try decoder.decode(whole: Array(json.utf8), into: &batch)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.reason == reason)
        }
    }
}
