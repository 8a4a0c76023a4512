import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

/// Answers in so many pieces that work for all earlier ones at each of them would never end.
@Suite struct ManyPieces {
    private static let count = 10_000

    private static func indices(_ event: (Int) -> String) -> [String] { (0..<count).map(event) }

    @Test func itemsOfAResponseAreMatchedWithThoseThatWereStreamed() throws {
        func call(_ index: Int) -> String {
            #"{"id":"fc_\#(index)","type":"function_call","call_id":"c\#(index)","name":"f","arguments":"{}"}"#
        }
        // Every other one was streamed, in the opposite order and with its arguments missing.
        let streamed = stride(from: 0, to: Self.count, by: 2).reversed().map { index in
            OpenAIStreamDecoderTests.added(
                index, #"{"id":"fc_\#(index)","type":"function_call","call_id":"c\#(index)","name":"f"}"#)
        }
        let end = OpenAIStreamDecoderTests.end("completed", output: Self.indices(call))
        let calls = try #require(Outcome.openai(stream(streamed + [end])).content?.toolUses)
        #expect(calls.count == Self.count)
        #expect(Set(calls.map(\.id)).count == Self.count)
        #expect(calls.allSatisfy { $0.arguments == .emptyObject })
    }

    @Test func reasoningIsClosedOnce() {
        let opened = Self.indices {
            OpenAIStreamDecoderTests.added($0, #"{"id":"rs_\#($0)","type":"reasoning","summary":[]}"#)
        }
        let thought = Self.indices { number in
            let index = Self.count - 1 - number
            return OpenAIStreamDecoderTests.delta("reasoning_summary_text", index, "rs_\(index)", "Hm")
        }
        let outcome = Outcome.openai(stream(opened + thought + [OpenAIStreamDecoderTests.completed()]))
        #expect(outcome.finishedReasoning == Array(repeating: "Hm", count: Self.count))
        #expect(outcome.content?.count == Self.count)
    }

    @Test func callsOfOneIdAreToldApart() {
        let calls = Self.indices { _ in
            #"{"choices":[{"delta":{"tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"}}]}}]}"#
        }
        let outcome = Outcome.chat(stream(calls + [ChatStreamDecoderTests.finish("tool_calls")]))
        #expect(Set(outcome.content?.toolUses.map(\.id) ?? []).count == Self.count)
    }

    @Test func piecesFindTheirCall() {
        let calls = Self.indices {
            #"{"choices":[{"delta":{"tool_calls":[{"index":\#($0),"id":"c\#($0)","function":{"name":"f","arguments":"["}}]}}]}"#
        }
        let ends = Self.indices {
            #"{"choices":[{"delta":{"tool_calls":[{"index":\#($0),"function":{"arguments":"]"}}]}}]}"#
        }
        let outcome = Outcome.chat(stream(calls + ends + [ChatStreamDecoderTests.finish("tool_calls")]))
        #expect(outcome.content?.toolUses.allSatisfy { $0.arguments?.text == "[]" } == true)
        let started = Self.indices {
            #"{"type":"content_block_start","index":\#($0),"content_block":{"type":"text","text":""}}"#
        }
        let texts = Self.indices {
            #"{"type":"content_block_delta","index":\#($0),"delta":{"type":"text_delta","text":"x"}}"#
        }
        let stop = #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#
        let answer = Outcome.anthropic(stream(started + texts + [stop]))
        #expect(answer.content == Array(repeating: .text("x"), count: Self.count))
    }

    @Test func argumentsGrowInPlace() {
        var arguments = GeminiArguments()
        for index in 0..<Self.count {
            arguments.add(["jsonPath": .string("$.a[\(index)].b"), "boolValue": true])
        }
        #expect(
            arguments.finished().text == #"{"a":["# + Self.indices { _ in #"{"b":true}"# }.joined(separator: ",") + "]}"
        )
        #expect(!arguments.isMalformed)
    }

    @Test func whiteSpaceBeforeATagAndBehindACallIsHeldBack() {
        let space = Array(repeating: UInt8(ascii: " "), count: 200_000)
        var tags = ChatThinkTags()
        #expect(
            tags.take(space + Array("<think>Hm</think>Yes".utf8))
                == .init(reasoning: Array("Hm".utf8), text: Array("Yes".utf8)))
        var calls = ChatTextCalls(names: ["f"])
        let call = #"<tool_call>{"name":"f","arguments":{}}"#
        #expect(
            calls.take(Array(call.utf8) + space + Array("</tool_call>".utf8)) == [
                .call(name: "f", arguments: Array("{}".utf8))
            ])
    }
}
