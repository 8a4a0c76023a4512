import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct ChatStreamDecoderTests {
    static func delta(_ delta: String, finish: String = "null") -> String {
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
    }

    static func finish(_ reason: String) -> String { delta("{}", finish: "\"\(reason)\"") }

    static let usage =
        #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#

    static let hello = [
        delta(#"{"role":"assistant","content":""}"#), delta(#"{"content":"Hel"}"#), delta(#"{"content":"lo"}"#),
    ]

    private func toolUse(_ id: String, _ name: String, _ arguments: String) throws -> Block {
        .toolUse(ToolUse(id: id, name: name, arguments: try RawJSON(arguments)))
    }

    private func reasoning(_ text: String, _ field: String = "reasoning_content") throws -> Block {
        .reasoning(text: text, data: try ProviderData(.chatCompletions, "local", #"{"field":"\#(field)"}"#))
    }

    @Test func usageFollowsTheFinishReason() {
        let outcome = Outcome.chat(stream(Self.hello + [Self.finish("stop"), Self.usage, "[DONE]"]))
        let usage = Usage(inputTokens: 5, outputTokens: 2, cacheReadTokens: 4)
        let answer = ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: usage)
        #expect(outcome == Outcome(answer: answer, text: "Hello"))
    }

    @Test func theAnswerIsCompleteWithItsFinishReason() {
        let events = Self.hello + [Self.finish("stop")]
        let answer = ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: nil)
        #expect(Outcome.chat(stream(events)).answer == answer)
        #expect(Outcome.chat(stream(Self.hello + ["[DONE]"])).answer == answer)
        #expect(Outcome.chat(stream(Self.hello)).error?.reason == .incomplete)
        #expect(Outcome.chat(stream("[DONE]")).error?.reason == .incomplete)
        #expect(Outcome.chat(stream(events + ["{broken"])).answer == answer)
    }

    @Test func anErrorBeforeTheEndMarkFailsTheCall() {
        let error = #"{"error":{"message":"late","code":503}}"#
        let finished = Self.hello + [Self.finish("stop")]
        for events in [finished, finished + [Self.usage]] {
            #expect(
                Outcome.chat(stream(events + [error])).error
                    == ProviderError(.overloaded, "the provider reported an error: late"))
            #expect(Outcome.chat(stream(events + ["[DONE]", error])).error == nil)
        }
    }

    @Test func whatIsThoughtComesBeforeWhatIsSaid() throws {
        let events = [
            Self.delta(#"{"reasoning_content":"Let"}"#), Self.delta(#"{"content":"Yes","reasoning_content":" me"}"#),
            Self.delta(#"{"content":"."}"#), Self.finish("stop"),
        ]
        let answer = ModelAnswer(blocks: [try reasoning("Let me"), .text("Yes.")], stopReason: .endTurn, usage: nil)
        #expect(
            Outcome.chat(stream(events))
                == Outcome(answer: answer, text: "Yes.", reasoning: "Let me", finishedReasoning: ["Let me"]))
    }

    @Test(arguments: ["reasoning_content", "reasoning", "thinking"])
    func reasoningHasSeveralNames(_ field: String) throws {
        let events = [Self.delta(#"{"\#(field)":"Hm","content":null}"#), Self.finish("stop")]
        #expect(Outcome.chat(stream(events)).answer?.blocks == [try reasoning("Hm", field)])
    }

    @Test func reasoningThatIsSentTwiceCountsOnce() throws {
        let events = [
            Self.delta(#"{"reasoning":"Hm","reasoning_content":"Hm","reasoning_details":[{}]}"#), Self.finish("stop"),
        ]
        #expect(Outcome.chat(stream(events)).answer?.blocks == [try reasoning("Hm", "reasoning")])
    }

    @Test func contentMayBeAListOfParts() {
        let events = [
            Self.delta(#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]}"#),
            Self.delta(#"{"content":[{"type":"text","text":"A"},"B",{"type":"reference","reference_ids":[1]}]}"#),
            Self.finish("stop"),
        ]
        #expect(Outcome.chat(stream(events)).answer?.blocks == [.reasoning(text: "Hm", data: nil), .text("AB")])
    }

    @Test func aRefusalIsShown() {
        let events = [Self.delta(#"{"content":null,"refusal":"I can't."}"#), Self.finish("stop")]
        let answer = ModelAnswer(blocks: [.text("I can't.")], stopReason: .contentFilter, usage: nil)
        #expect(Outcome.chat(stream(events)) == Outcome(answer: answer, text: "I can't."))
        let none = [Self.delta(#"{"content":"Yes.","refusal":null}"#), Self.delta(#"{"refusal":""}"#)]
        #expect(Outcome.chat(stream(none + [Self.finish("stop")])).answer?.stopReason == .endTurn)
    }

    /// What servers say of usage and cost, and what it amounts to.
    static let accounts: [(events: [String], usage: Usage, cost: USDollars?)] = [
        // Groq says it twice.
        (
            [
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":2,"queue_time":0.1}}}"#,
                #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#, "[DONE]",
            ], Usage(inputTokens: 5, outputTokens: 2), nil
        ),
        // DeepSeek says it on the last chunk of the answer.
        (
            [
                #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_cache_hit_tokens":3,"prompt_cache_miss_tokens":2}}"#,
                "[DONE]",
            ], Usage(inputTokens: 5, outputTokens: 2, cacheReadTokens: 3), nil
        ),
        // OpenRouter says what it costs.
        (
            [
                finish("stop"),
                #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":9,"completion_tokens":7,"cost":7.159e-05,"is_byok":false,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"cost_details":{"upstream_inference_cost":3},"completion_tokens_details":{"reasoning_tokens":6}}}"#,
            ],
            Usage(
                inputTokens: 9, outputTokens: 7, cacheCreationTokens: 2, cacheReadTokens: 4, reasoningTokens: 6),
            USDollars(picodollars: 71_590_000)
        ),
        // With a key of the user's own at the vendor there are two bills.
        (
            [
                finish("stop"),
                #"{"choices":[],"usage":{"is_byok":true,"cost_details":{"upstream_inference_cost":0.5},"cost":0.025,"prompt_tokens":1,"completion_tokens":1}}"#,
            ], Usage(inputTokens: 1, outputTokens: 1), USDollars(picodollars: 525_000_000_000)
        ),
        (
            [
                finish("stop"),
                #"{"choices":[],"usage":{"cost":-1,"prompt_tokens":1,"completion_tokens":1,"cached_tokens":1}}"#,
            ], Usage(inputTokens: 1, outputTokens: 1, cacheReadTokens: 1), nil
        ),
    ]

    @Test(arguments: accounts.indices)
    func usageAndCostAreTakenWhereTheyAre(_ index: Int) {
        let (events, usage, cost) = Self.accounts[index]
        #expect(
            Outcome.chat(stream(Self.hello + events)).answer
                == ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: usage, cost: cost))
    }

    @Test func chunksWithoutChoicesOrWithOthersAreLeftOut() {
        let filtered =
            #"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#
        let offsets =
            #"{"id":"","object":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{"check_offset":1},"content_filter_results":{}}]}"#
        let events = [filtered] + Self.hello + [offsets, Self.finish("stop"), offsets, Self.usage, "[DONE]"]
        let usage = Usage(inputTokens: 5, outputTokens: 2, cacheReadTokens: 4)
        #expect(
            Outcome.chat(stream(events)).answer
                == ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: usage))
    }

    /// Pieces of tool calls as servers send them, and what they amount to as `id name arguments`.
    static let calls: [(pieces: [String], calls: [String])] = [
        // As OpenAI does it.
        (
            [
                #"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}"#,
                #"{"index":0,"function":{"arguments":"{\"x\":"}}"#, #"{"index":0,"function":{"arguments":" 1}"}}"#,
                #"{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}"#,
                #"{"index":1,"function":{"arguments":"{}"}}"#,
            ], [#"a f {"x": 1}"#, "b g {}"]
        ),
        // Interleaved.
        (
            [
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}"#,
                #"{"index":0,"function":{"arguments":"}"}}"#, #"{"index":1,"function":{"arguments":"}"}}"#,
            ], ["a f {}", "b g {}"]
        ),
        // The id comes late, the name is repeated.
        (
            [
                #"{"index":0,"function":{"name":"f","arguments":""}}"#,
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            ], ["a f {}"]
        ),
        // A new id with every piece.
        (
            [
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":0,"id":"b","function":{"arguments":"}"}}"#,
            ], ["a f {}"]
        ),
        // All calls at index 0, each complete.
        (
            [
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                #"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":2}"}}"#,
            ], [#"a f {"x":1}"#, #"b f {"x":2}"#]
        ),
        // No index, no id, arguments as an object.
        (
            [
                #"{"function":{"name":"f","arguments":{"x":1}}}"#, #"{"function":{"name":"g","arguments":null}}"#,
                #"{"id":"","function":{"name":"h"}}"#,
            ], [#"call_1 f {"x":1}"#, "call_2 g {}", "call_3 h {}"]
        ),
        // No index, the id repeated.
        (
            [
                #"{"id":"a","function":{"name":"f","arguments":"{"}}"#, #"{"id":"a","function":{"arguments":"}"}}"#,
                #"{"id":"b","function":{"name":"g","arguments":""}}"#,
            ], ["a f {}", "b g {}"]
        ),
        // The same id for two calls, and one that a made-up id would collide with.
        (
            [
                #"{"index":0,"id":"call_1","function":{"name":"f","arguments":"{}"}}"#,
                #"{"index":1,"id":"call_1","function":{"name":"g","arguments":"{}"}}"#,
                #"{"index":2,"function":{"name":"h","arguments":"{}"}}"#,
            ], ["call_1 f {}", "call_2 g {}", "call_3 h {}"]
        ),
        // A call that is none.
        ([#"{"index":0}"#, #"{"index":1,"id":"a","function":{"name":"f","arguments":"{}"}}"#], ["a f {}"]),
    ]

    @Test(arguments: calls.indices)
    func toolCallsAreJoined(_ index: Int) {
        let (pieces, calls) = Self.calls[index]
        func text(_ answer: ModelAnswer?) -> [String]? {
            answer?.blocks.toolUses.map { "\($0.id) \($0.name) \($0.arguments?.text ?? "-")" }
        }
        let single = pieces.map { Self.delta(#"{"tool_calls":[\#($0)]}"#) }
        #expect(text(Outcome.chat(stream(single + [Self.finish("tool_calls")])).answer) == calls)
        let together = Self.delta(#"{"tool_calls":[\#(pieces.joined(separator: ","))]}"#)
        #expect(text(Outcome.chat(stream(together, Self.finish("tool_calls"))).answer) == calls)
    }

    @Test func blocksKeepTheOrderInWhichTheyBegan() throws {
        let events = [
            Self.delta(#"{"reasoning":"Hm"}"#), Self.delta(#"{"content":"First."}"#),
            Self.delta(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}"#),
            Self.delta(#"{"content":"Then."}"#),
            Self.delta(#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#), Self.finish("tool_calls"),
        ]
        #expect(
            Outcome.chat(stream(events)).answer?.blocks == [
                try reasoning("Hm", "reasoning"), .text("First."), try toolUse("a", "f", "{}"), .text("Then."),
            ])
    }

    @Test func argumentsThatWereCutOffAreNotGuessed() {
        let call = #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}}]}"#
        #expect(
            Outcome.chat(stream(Self.delta(call), Self.finish("length"))).answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "f", arguments: nil, malformedArguments: #"{"x"#))])
        let empty = #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}"#
        #expect(
            Outcome.chat(stream(Self.delta(empty), Self.finish("length"))).answer?.blocks
                == [.toolUse(ToolUse(id: "a", name: "f", arguments: nil, malformedArguments: ""))])
    }

    @Test(arguments: [
        ("stop", StopReason.endTurn), ("tool_calls", .toolUse), ("function_call", .toolUse), ("length", .maxTokens),
        ("content_filter", .contentFilter), ("something_new", .endTurn),
    ])
    func finishReasons(_ reason: String, _ expected: StopReason) {
        #expect(Outcome.chat(stream(Self.hello + [Self.finish(reason)])).answer?.stopReason == expected)
    }

    @Test func aServerThatGivesNoFinishReasonMayStillCallTools() throws {
        let call = Self.delta(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#)
        let answer = ModelAnswer(blocks: [try toolUse("a", "f", "{}")], stopReason: .toolUse, usage: nil)
        #expect(Outcome.chat(stream(call, Self.delta("{}", finish: "\"\""), "[DONE]")).answer == answer)
    }

    @Test func toolCallsCountWhateverTheFinishReason() throws {
        let call = Self.delta(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#)
        for reason in ["stop", "tool", "end_turn"] {
            let answer = ModelAnswer(blocks: [try toolUse("a", "f", "{}")], stopReason: .toolUse, usage: nil)
            #expect(Outcome.chat(stream(call, Self.finish(reason))).answer == answer)
        }
        let nothing = Self.delta(#"{"tool_calls":[{"index":0}]}"#)
        #expect(Outcome.chat(stream(Self.hello + [nothing, Self.finish("stop")])).answer?.stopReason == .endTurn)
    }

    @Test(arguments: [
        (#"{"error":{"message":"Slow down","code":429}}"#, ProviderError.Reason.rateLimited, true),
        (
            #"{"error":{"message":"x","type":"invalid_request_error","code":"tool_use_failed","status_code":400}}"#,
            .invalidRequest, false
        ),
        (
            #"{"error":{"message":"This model's maximum context length is 8192 tokens","code":null}}"#, .contextLength,
            false
        ),
        (#"{"error":"It broke"}"#, .unknown, true),
        (#"{"object":"error","message":"x","type":"BadRequestError","code":400}"#, .invalidRequest, false),
        (#"{"error":{"message":"x","type":"NotFoundError","param":null,"code":404}}"#, .modelNotFound, false),
        (
            #"{"id":"gen-1","object":"chat.completion.chunk","error":{"code":"server_error","message":"x"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            .serverError, true
        ),
        (#"{"choices":[],"x_groq":{"id":"r","error":"over_capacity"}}"#, .unknown, true),
        (
            #"{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"x"}}]}"#,
            .serverError, true
        ),
        (delta("{}", finish: "\"error\""), .serverError, true),
        (delta("{}", finish: "\"insufficient_system_resource\""), .overloaded, true),
        ("{broken", .malformedResponse, true),
    ])
    func errorsInTheStreamAreTyped(_ event: String, _ reason: ProviderError.Reason, isRetryable: Bool) {
        let outcome = Outcome.chat(stream(Self.hello + [event]))
        #expect(outcome.error?.reason == reason)
        #expect(outcome.error?.isRetryable == isRetryable)
        #expect(outcome.text == "Hello")
    }

    @Test func anEventMayBeCalledAnError() {
        let event = Array("event: error\ndata: {\"message\":\"Out of memory\"}\n\n".utf8)
        let error = Outcome.chat(stream(Self.hello), event).error
        #expect(error == ProviderError(.unknown, "the provider reported an error: Out of memory"))
    }

    @Test func onlyMeaningfulChunksAreProgress() throws {
        var reader = EventStreamReader(
            ChatStreamDecoder(model: "local", failure: ProviderFailure(key: nil)))
        func isProgress(_ bytes: [UInt8]) throws -> Bool {
            var batch = EventBatch()
            try bytes.withBytes { (bytes) throws(ProviderError) in try reader.decode(bytes.bytes, into: &batch) }
            return batch.hasProgress
        }
        #expect(try isProgress(stream(Self.hello[0])))
        #expect(try !isProgress(stream(Self.hello[0])))
        #expect(try !isProgress(Array(": OPENROUTER PROCESSING\n\n".utf8)))
        #expect(try !isProgress(stream(Self.delta("{}"))))
        #expect(try isProgress(stream(Self.hello[1])))
    }

    @Test func onlyTheFirstChoiceCounts() {
        let other = #"{"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"length"}]}"#
        #expect(Outcome.chat(stream(Self.hello + [other, Self.finish("stop")])).answer?.blocks == [.text("Hello")])
    }

    @Test func aCompletionThatIsNotStreamedIsTaken() throws {
        var decoder = ChatStreamDecoder(model: "local", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        let json =
            #"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"Hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#
        try decoder.decode(whole: Array(json.utf8), into: &batch)
        #expect(
            try decoder.finish(into: &batch)
                == ModelAnswer(
                    blocks: [try reasoning("Hm"), .text("Hi"), try toolUse("a", "f", "{}")], stopReason: .toolUse,
                    usage: Usage(inputTokens: 1, outputTokens: 2)))
    }
}
