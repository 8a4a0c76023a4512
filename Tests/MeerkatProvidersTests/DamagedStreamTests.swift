import MeerkatCore
import Testing

@testable import MeerkatProviders

/// Damages streams in many ways: whatever comes, the outcome is an answer or an error, and cutting changes nothing.
@Suite struct DamagedStreamTests {
    private static let anthropic = stream(
        [AnthropicStreamDecoderTests.start] + AnthropicStreamDecoderTests.text(0, #"gr\u00fc\u00dfe 🌍"#)
            + [
                AnthropicStreamDecoderTests.blockStart(1, #"{"type":"tool_use","id":"a","name":"b","input":{}}"#),
                AnthropicStreamDecoderTests.delta(1, #"{"type":"input_json_delta","partial_json":"{\"c\":[1,2]}"}"#),
                AnthropicStreamDecoderTests.stop(1),
                AnthropicStreamDecoderTests.blockStart(2, #"{"type":"mcp_tool_use","id":"s","input":{}}"#),
                AnthropicStreamDecoderTests.delta(2, #"{"type":"other_delta","x":"y","z":[1]}"#),
                AnthropicStreamDecoderTests.stop(2),
            ] + AnthropicStreamDecoderTests.end("tool_use"))

    private static let chat = stream(
        ChatStreamDecoderTests.hello + [
            ChatStreamDecoderTests.delta(#"{"reasoning":"Hm","content":[{"type":"text","text":"🌍"}]}"#),
            ChatStreamDecoderTests.delta(
                #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#),
            ChatStreamDecoderTests.delta(#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#),
            ChatStreamDecoderTests.finish("tool_calls"), ChatStreamDecoderTests.usage, "[DONE]",
        ])

    private static let gemini = stream([
        GeminiStreamDecoderTests.parts(#"{"text":"Hm","thought":true},{"text":"gr\u00fc\u00dfe 🌍"}"#),
        GeminiStreamDecoderTests.parts(
            #"{"functionCall":{"name":"f","args":{"c":[1,2]}},"thoughtSignature":"c2ln"},{"executableCode":{"code":"1"}}"#
        ),
        GeminiStreamDecoderTests.parts(#"{"functionCall":{"name":"g","willContinue":true}}"#),
        GeminiStreamDecoderTests.parts(
            #"{"functionCall":{"partialArgs":[{"jsonPath":"$.a[0].b","stringValue":"x","willContinue":true}]}}"#),
        GeminiStreamDecoderTests.end("STOP"),
    ])

    private static let openAI = stream(
        OpenAIStreamDecoderTests.thought + OpenAIStreamDecoderTests.hello
            + OpenAIStreamDecoderTests.call(2, "fc_1", "a", #"{\"c\":\"🌍\"}"#)
            + OpenAIStreamDecoderTests.search(3) + [OpenAIStreamDecoderTests.completed()])

    private static let chatText = stream(
        [
            #"<think>H\u006d 🌍</th"#, #"ink>\n\nI <tool"#, #"_call>{\"name\":\"f\",\"arguments\":{\"x\":[\"}\"]}}"#,
            #"</tool_call>\n[TOOL_CALLS][{\"name\":\"f\",\"arguments\":{}}]"#,
        ].map { ChatStreamDecoderTests.delta(#"{"content":"\#($0)"}"#) } + [ChatStreamDecoderTests.finish("stop")])

    private static func textDecoder() -> ChatStreamDecoder {
        var dialect = ChatDialect()
        dialect.findsCallsInText = true
        return ChatStreamDecoder(model: "local", tools: ["f"], dialect: dialect, failure: ProviderFailure(key: nil))
    }

    @Test func theUndamagedTextHasCalls() {
        let blocks = Outcome.decoding([Self.chatText], with: Self.textDecoder()).content ?? []
        #expect(blocks.toolUses.map(\.name) == ["f", "f"])
        #expect(blocks.joinedText == "I ")
        #expect(blocks.reasoningTexts == ["Hm 🌍"])
    }

    @Test(arguments: 0..<40)
    func damageIsSurvived(_ seed: UInt64) {
        var random = Random(state: seed)
        for _ in 0..<25 {
            check(damage(Self.anthropic, &random)) {
                AnthropicStreamDecoder(model: "claude", failure: ProviderFailure(key: nil))
            }
            check(damage(Self.gemini, &random)) {
                GeminiStreamDecoder(model: "gemini", failure: ProviderFailure(key: nil))
            }
            check(damage(Self.chatText, &random), Self.textDecoder)
            check(damage(Self.chat, &random)) { ChatStreamDecoder(model: "local", failure: ProviderFailure(key: nil)) }
            check(damage(Self.openAI, &random)) {
                OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil))
            }
        }
    }

    private func check(_ bytes: [UInt8], _ decoder: () -> some StreamDecoder) {
        let whole = Outcome.decoding([bytes], with: decoder())
        #expect(
            Outcome.decoding(bytes.map { [$0] }, with: decoder()) == whole, "\(String(decoding: bytes, as: UTF8.self))")
        #expect((whole.answer == nil) != (whole.error == nil))
    }

    private func damage(_ bytes: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.next() % 4 {
            let position = Int(random.next() % UInt64(bytes.count))
            let end = min(position + Int(random.next() % 60), bytes.count)
            switch random.next() % 5 {
            case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.removeSubrange(position..<end)
            case 2: bytes.insert(contentsOf: bytes[position..<end], at: position)
            case 3:
                bytes.insert(contentsOf: Array("\"[]{}:,\n0n\\".utf8).shuffled(using: &random).prefix(2), at: position)
            default: bytes.removeLast(min(end - position, bytes.count - 1))
            }
        }
        return bytes
    }

    /// SplitMix64: the same numbers for the same seed.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
