import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

/// Decodes real answers of providers: the outcome must be that of the vendor's own library, however the bytes are cut.
@Suite(.enabled(if: Recording.folder != nil, "the recordings are not there"))
struct RecordingTests {
    @Test(arguments: Recording.all(of: "anthropic"))
    func anthropic(_ recording: Recording) throws {
        try check(recording) { AnthropicStreamDecoder(model: recording.model, failure: ProviderFailure(key: nil)) }
    }

    @Test(arguments: Recording.all(of: "openai_chat"))
    func openAICompatible(_ recording: Recording) throws {
        guard recording.status == 200 else { return compareFailure(recording) }
        try check(recording) { ChatStreamDecoder(model: recording.model, failure: ProviderFailure(key: nil)) }
    }

    @Test(arguments: Recording.all(of: "gemini"))
    func gemini(_ recording: Recording) throws {
        try check(recording) { GeminiStreamDecoder(model: recording.model, failure: ProviderFailure(key: nil)) }
    }

    @Test(arguments: Recording.all(of: "openai_responses"))
    func openAI(_ recording: Recording) throws {
        guard recording.status == 200 else { return compareFailure(recording) }
        try check(recording) { OpenAIStreamDecoder(model: recording.model, failure: ProviderFailure(key: nil)) }
    }

    /// An answer of another status is no stream: it is read whole.
    private func compareFailure(_ recording: Recording) {
        let error = ProviderFailure(key: nil).error(
            HTTPHead(status: recording.status, headers: recording.headers), body: recording.body,
            now: StoppedClock().now)
        #expect(error.status == recording.expected["http_error"]?.int)
        #expect(error.isRetryable == recording.expected["retryable"]?.bool)
    }

    private func check(_ recording: Recording, _ decoder: () -> some StreamDecoder) throws {
        let whole = Outcome.decoding([recording.body], with: decoder())
        #expect(Outcome.decoding(recording.events, with: decoder()) == whole)
        for size in [1, 2, 7, 61, 509] {
            #expect(Outcome.decoding(recording.pieces(of: size), with: decoder()) == whole, "pieces of \(size) bytes")
        }
        try compare(whole, with: recording)
        checkCuts(recording, whole, decoder)
    }

    private func compare(_ outcome: Outcome, with recording: Recording) throws {
        let expected = recording.expected
        if expected["survive"] == true { return }
        if expected["sdk_error"] != nil {
            #expect(outcome.error != nil)
            return
        }
        let answer = try #require(outcome.answer, "\(String(describing: outcome.error))")
        #expect(answer.blocks.joinedText == expected["text"]?.string)
        #expect(outcome.text == expected["text"]?.string)
        let thinking = recording.thinking
        #expect(answer.blocks.reasoningTexts.joined() == thinking)
        #expect(outcome.reasoning == thinking)
        #expect(outcome.finishedReasoning == answer.blocks.reasoningTexts.filter { !$0.isEmpty })
        try compareCalls(answer, expected)
        compareStop(answer, expected)
        compare(answer.usage, with: expected["usage"])
        #expect(signatures(answer.blocks) == expected["replay"]?.array?.map(\.sorted))
        if let types = expected["block_types"]?.array, !types.isEmpty {
            let opaque = answer.blocks.compactMap { block -> JSONValue? in
                if case .opaque(let data) = block { try? data.json.value().blockType } else { nil }
            }
            let plain: [JSONValue] = [
                "text", "thinking", "redacted_thinking", "tool_use", "message", "reasoning", "function_call",
            ]
            #expect(opaque.filter { $0 != "message" } == types.filter { !plain.contains($0) })
        }
    }

    private func compareStop(_ answer: ModelAnswer, _ expected: JSONValue) {
        guard var stops = expected["stop_reasons"]?.array else { return }
        // The Responses API has no stop reason of its own for calls: its responses are just completed.
        if expected["raw_stop"] == "completed", !answer.blocks.toolUses.isEmpty { stops = ["tool_use"] }
        #expect(stops.contains(.string(answer.stopReason.rawValue)), "\(answer.stopReason)")
    }

    private func compareCalls(_ answer: ModelAnswer, _ expected: JSONValue) throws {
        let calls = expected["tool_calls"]?.array ?? []
        // Where the provider gave no id, any will do.
        #expect(
            zip(answer.blocks.toolUses, calls).allSatisfy { $1["id"]?.isNull != false || $1["id"] == .string($0.id) })
        #expect(answer.blocks.toolUses.map(\.name) == calls.map { $0["name"]?.string })
        for (call, expected) in zip(answer.blocks.toolUses, calls) {
            // What was cut off is not guessed.
            if answer.stopReason == .maxTokens, call.arguments == nil { continue }
            #expect(try call.arguments?.value().sorted == expected["args"]?.sorted)
        }
    }

    private func compare(_ usage: Usage?, with expected: JSONValue?) {
        guard let expected, !expected.isNull else { return #expect(usage == nil) }
        #expect(
            expected["input"]?.array?.contains(.integer(usage?.inputTokens ?? 0)) == true,
            "\(String(describing: usage))")
        #expect(expected["output"]?.array?.contains(.integer(usage?.outputTokens ?? 0)) == true)
        if let count = expected["cache_read"]?.int { #expect(usage?.cacheReadTokens == UInt64(count)) }
        if let count = expected["cache_creation"]?.int { #expect(usage?.cacheCreationTokens == UInt64(count)) }
    }

    /// What must be shown to the model again, in the form of the recordings.
    private func signatures(_ blocks: [Block]) -> [JSONValue] {
        let signed = blocks.compactMap(\.thoughtSignature)
        if !signed.isEmpty { return signed }
        return blocks.compactMap { block in
            guard case .reasoning(let text, let data?) = block, data.format != .chatCompletions,
                let value = try? data.json.value()
            else { return nil }
            if data.format == .openAIResponses {
                return ["encrypted_content": value["encrypted_content"] ?? nil, "reasoning_id": value["id"] ?? nil]
            }
            if let redacted = value["data"] { return ["redacted": redacted] }
            return ["signature": value["signature"] ?? nil, "thinking": .string(text)]
        }
    }

    /// A stream that is cut between two events is incomplete, or has said all that the whole one says.
    private func checkCuts(_ recording: Recording, _ whole: Outcome, _ decoder: () -> some StreamDecoder) {
        guard whole.error == nil else { return }
        let events = recording.events
        for count in 0..<events.count {
            let cut = Outcome.decoding(Array(events.prefix(count)), with: decoder())
            #expect(cut.content == whole.content || cut.error?.reason == .incomplete, "after \(count) events")
            #expect(cut.error == nil || cut.error?.isRetryable == true)
        }
    }
}

extension JSONValue {
    /// What a block of a provider's own is called in the recordings.
    fileprivate var blockType: JSONValue? {
        if let type = self["type"] { return type }
        switch object?.names.first {
        case "executableCode": return "executable_code"
        case "codeExecutionResult": return "code_execution_result"
        case let name: return name.map { .string($0) }
        }
    }
}

extension Block {
    /// What a Gemini model has signed, in the form of the recordings.
    fileprivate var thoughtSignature: JSONValue? {
        let data: ProviderData? =
            switch self {
            case .reasoning(_, let data): data
            case .toolUse(let toolUse): toolUse.data
            case .opaque(let data): data
            case .text, .image: nil
            }
        guard let signature = try? data?.json.value()["thoughtSignature"] else { return nil }
        return ["on_call": .bool(toolUse != nil), "thought_signature": signature]
    }
}
