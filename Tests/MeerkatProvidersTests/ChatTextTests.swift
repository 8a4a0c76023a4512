import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatProviders

/// What is found in the text of answers: reasoning between tags, and tool calls.
@Suite struct ChatTextTests {
    private static func decoder(_ table: JSONValue) throws -> ChatStreamDecoder {
        ChatStreamDecoder(
            model: "local", tools: ["f", "g"],
            dialect: ChatDialect(try Configuration.ProviderDefinition(config: table)),
            failure: ProviderFailure(key: nil))
    }

    /// The outcome of an answer whose text comes in the given pieces.
    private static func outcome(_ texts: [String], _ table: JSONValue, finish: String = "stop") throws -> Outcome {
        let deltas = texts.map { text in
            ChatStreamDecoderTests.delta(#"{"content":\#(RawJSON(encoding: JSONValue.string(text)).text)}"#)
        }
        return Outcome.decoding(
            [stream(deltas + [ChatStreamDecoderTests.finish(finish)])], with: try decoder(table))
    }

    /// The text whole, and cut in two at each character.
    private static func cuts(_ text: String) -> [[String]] {
        [[text], text.unicodeScalars.map { String($0) }]
            + text.unicodeScalars.indices.map { index in
                [String(text.unicodeScalars[..<index]), String(text.unicodeScalars[index...])]
            }
    }

    /// A block as a word: `r:` reasoning, `t:` text, `c:` a call.
    private static func described(_ block: Block) -> String {
        switch block {
        case .text(let text): "t:\(text)"
        case .reasoning(let text, _): "r:\(text)"
        case .toolUse(let call): "c:\(call.id) \(call.name) \(call.arguments?.text ?? "-")"
        default: "?"
        }
    }

    private func check(_ text: String, _ blocks: [String], _ table: JSONValue) throws {
        for cut in Self.cuts(text) {
            let outcome = try Self.outcome(cut, table)
            #expect(outcome.content?.map(Self.described) == blocks, "\(cut)")
            #expect(outcome.text == blocks.filter { $0.hasPrefix("t:") }.map { $0.dropFirst(2) }.joined())
            #expect(outcome.reasoning == blocks.filter { $0.hasPrefix("r:") }.map { $0.dropFirst(2) }.joined())
            #expect(outcome.finishedReasoning == blocks.filter { $0.hasPrefix("r:") }.map { String($0.dropFirst(2)) })
            let hasCalls = blocks.contains { $0.hasPrefix("c:") }
            #expect(outcome.answer?.stopReason == (hasCalls ? .toolUse : .endTurn))
        }
    }

    // MARK: Think tags

    static let thoughts: [(text: String, blocks: [String])] = [
        ("<think>Hm</think>Yes", ["r:Hm", "t:Yes"]),
        ("\n <think>\nHm 🌍\n</think>\r\n\n Yes 🌍", ["r:\nHm 🌍\n", "t: Yes 🌍"]),
        ("<think>a < b </thin <</think>c <think>d</think>", ["r:a < b </thin <", "t:c <think>d</think>"]),
        ("<think></think>\n\nYes", ["t:Yes"]),
        ("<think>Hm</think>", ["r:Hm"]),
        ("<think>Hm</th", ["r:Hm</th"]),
        ("<think>Hm", ["r:Hm"]),
        ("<thin", ["t:<thin"]),
        ("  <thinker>Hm</think>", ["t:  <thinker>Hm</think>"]),
        ("Yes <think>Hm</think>", ["t:Yes <think>Hm</think>"]),
        (" \n", ["t: \n"]),
        ("<<think>Hm</think>", ["t:<<think>Hm</think>"]),
    ]

    @Test(arguments: thoughts.indices)
    func reasoningIsFoundAtTheBeginning(_ index: Int) throws {
        try check(Self.thoughts[index].text, Self.thoughts[index].blocks, [:])
        try check(Self.thoughts[index].text, Self.thoughts[index].blocks, ["think_tags": true])
        try check(Self.thoughts[index].text, ["t:" + Self.thoughts[index].text], ["think_tags": false])
    }

    @Test func reasoningFromTagsIsMarkedAsSuch() throws {
        let data = try ProviderData(.chatCompletions, "local", #"{"field":"content"}"#)
        #expect(
            try Self.outcome(["<think>Hm</think>Yes"], [:]).content == [
                .reasoning(text: "Hm", data: data), .text("Yes"),
            ])
    }

    @Test func withReasoningOfItsOwnTheTagsAreText() throws {
        let events = [
            ChatStreamDecoderTests.delta(#"{"content":" <t"}"#), ChatStreamDecoderTests.delta(#"{"reasoning":"Hm"}"#),
            ChatStreamDecoderTests.delta(#"{"content":"<think>Hm</think>Yes"}"#), ChatStreamDecoderTests.finish("stop"),
        ]
        let outcome = Outcome.decoding([stream(events)], with: try Self.decoder([:]))
        #expect(outcome.content?.map(Self.described) == ["t: <t", "r:Hm", "t:<think>Hm</think>Yes"])
    }

    @Test func aCallEndsWhatIsHeldBack() throws {
        let call = #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#
        for (text, blocks) in [("<th", ["t:<th", "c:a f {}"]), ("<think>Hm</", ["r:Hm</", "c:a f {}"])] {
            let events = [
                ChatStreamDecoderTests.delta(#"{"content":"\#(text)"}"#), ChatStreamDecoderTests.delta(call),
                ChatStreamDecoderTests.finish("tool_calls"),
            ]
            let outcome = Outcome.decoding([stream(events)], with: try Self.decoder(["tool_call_text": true]))
            #expect(outcome.content?.map(Self.described) == blocks)
        }
    }

    @Test func anAnswerThatIsNotStreamedHasTagsToo() throws {
        var decoder = try Self.decoder([:])
        var batch = EventBatch()
        let json = #"{"choices":[{"message":{"content":"<think>Hm</think>Yes"},"finish_reason":"stop"}]}"#
        try decoder.decode(whole: Array(json.utf8), into: &batch)
        #expect(try decoder.finish(into: &batch).blocks.map(Self.described) == ["r:Hm", "t:Yes"])
    }

    // MARK: Tool calls

    static let one = #"<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>"#

    static let calls: [(text: String, blocks: [String])] = [
        (one, [#"c:call_1 f {"x":1}"#]),
        (
            "I look.\n\(one)\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>\n",
            ["t:I look.\n", #"c:call_1 f {"x":1}"#, "c:call_2 g {}"]
        ),
        ("\(one)\n\n Then.", [#"c:call_1 f {"x":1}"#, "t:\n\n Then."]),
        ("<think>Hm</think>\n\(one)", ["r:Hm", #"c:call_1 f {"x":1}"#]),
        (
            #"<tool_call>{"name":"f","arguments":{"x":"</tool_call>}]\" 🌍"}}</tool_call>"#,
            [#"c:call_1 f {"x":"</tool_call>}]\" 🌍"}"#]
        ),
        (#"[TOOL_REQUEST]{"name":"f","arguments":{}}[END_TOOL_REQUEST]"#, ["c:call_1 f {}"]),
        (
            #"[TOOL_CALLS] [{"name":"f","arguments":{},"id":"x"},{"name":"g","arguments":{"y":[]}}]"#,
            ["c:call_1 f {}", #"c:call_2 g {"y":[]}"#]
        ),
        (#"<|python_tag|>{"name":"f","parameters":{"x":{}}}"#, [#"c:call_1 f {"x":{}}"#]),
        // A word in the text is none, and what follows may be one.
        ("<<tool_call>, <tool_call> \(one)", ["t:<<tool_call>, <tool_call> ", #"c:call_1 f {"x":1}"#]),
        ("<tool_call>{}\(one)", ["t:<tool_call>{}", #"c:call_1 f {"x":1}"#]),
        ("<think>\(one)</think>Yes", ["r:\(one)", "t:Yes"]),
    ]

    @Test(arguments: calls.indices)
    func callsAreFoundInText(_ index: Int) throws {
        try check(Self.calls[index].text, Self.calls[index].blocks, ["tool_call_text": true])
    }

    /// Texts that look like calls and are none.
    static let noCalls = [
        #"<tool_call>{"name":"other","arguments":{}}</tool_call>"#, #"<tool_call>{"name":"f"}</tool_call>"#,
        #"<tool_call>{"name":"f","arguments":"{}"}</tool_call>"#,
        #"<tool_call>{"name":"f","arguments":{},}</tool_call>"#,
        #"<tool_call>{"name":"f","arguments":{}}"#, #"<tool_call>{"name":"f","arguments":{}} more</tool_call>"#,
        #"<tool_call>{"name":"f","arguments":{}</tool_call>"#, #"<tool_call>[{"name":"f","arguments":{}}]</tool_call>"#,
        #"<tool_call>"name":"f"</tool_call>"#, #"<tool_call>}</tool_call>"#, "<tool_call>{]</tool_call>",
        #"[TOOL_CALLS][{"name":"f","arguments":{}},{"name":"other","arguments":{}}]"#, "[TOOL_CALLS][]",
        #"[TOOL_CALLS][{"name":"f","arguments":{}}"#, #"{"name":"f","arguments":{}}"#, "a < b [1] <t", "[TOOL_",
    ]

    @Test(arguments: noCalls)
    func everythingElseStaysText(_ text: String) throws {
        try check(text, ["t:" + text], ["tool_call_text": true])
    }

    @Test func nothingIsFoundUnlessItIsAskedFor() throws {
        try check(Self.one, ["t:" + Self.one], [:])
    }

    @Test func whatIsCutShortIsText() throws {
        for count in 0..<Self.one.utf8.count {
            let text = String(Self.one.prefix(count))
            for finish in ["stop", "length"] {
                let outcome = try Self.outcome([text], ["tool_call_text": true], finish: finish)
                #expect(outcome.content == (text.isEmpty ? [] : [.text(text)]))
                #expect(outcome.text == text)
            }
        }
    }
}
