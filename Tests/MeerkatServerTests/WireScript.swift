import MeerkatCore
import MeerkatIO
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Synchronization

/// What a model does in one call, whatever it is spoken to in.
struct ModelScript: Sendable {
    enum Part: Sendable {
        case thought(String)
        case text(String)
        case call(id: String, name: String, arguments: String?)
        /// What the model says instead of an answer.
        case refusal(String)
    }

    enum End: Sendable {
        case normal
        case maxTokens
        case contentFilter
    }

    var parts: [Part]
    var end = End.normal

    init(_ parts: Part..., end: End = .normal) {
        self.parts = parts
        self.end = end
    }

    fileprivate var hasThoughts: Bool {
        parts.contains { if case .thought = $0 { true } else { false } }
    }

    fileprivate var hasCalls: Bool {
        parts.contains { if case .call = $0 { true } else { false } }
    }
}

/// A wire format, as real servers speak it.
enum Wire: String, CaseIterable, Sendable {
    case anthropic, openai, gemini, chat

    /// A name that belongs to the provider; of Gemini one that wants its calls signed.
    var model: String { self == .gemini ? "gemini-3-x" : "\(rawValue)-x" }

    /// As the protocol names the provider.
    var name: String { self == .chat ? "openai_compatible" : rawValue }

    func provider(_ transport: WireTransport) throws -> any ModelProvider {
        let connection = ProviderConnection(
            name: rawValue, endpoint: try Endpoint("https://\(rawValue).example", key: nil), transport: transport,
            clock: TestClock())
        return switch self {
        case .anthropic: AnthropicProvider(connection)
        case .openai: OpenAIProvider(connection)
        case .gemini: GeminiProvider(connection)
        case .chat: OpenAICompatibleProvider(connection)
        }
    }

    /// What no other provider can make sense of.
    func signature(_ number: Int) -> String { "signed-by-\(rawValue)-\(number)" }

    /// The whole answer of a server; `number` makes its ids and signatures different from those of other answers.
    func body(_ script: ModelScript, _ number: Int) -> [UInt8] {
        let events: [JSONValue] =
            switch self {
            case .anthropic: anthropicEvents(script, number)
            case .openai: openaiEvents(script, number)
            case .gemini: geminiEvents(script, number)
            case .chat: chatEvents(script, number)
            }
        let lines = events.map { "data: " + String(decoding: $0.jsonBytes, as: UTF8.self) + "\n\n" }
        return Array((lines.joined() + (self == .chat ? "data: [DONE]\n\n" : "")).utf8)
    }

    /// The text in two pieces, as it is streamed.
    private static func pieces(_ text: String) -> [String] {
        [String(text.prefix(text.count / 2)), String(text.dropFirst(text.count / 2))]
    }

    private static func object(_ json: String) -> JSONValue {
        (try? JSONValue(json: Array(json.utf8))) ?? [:]  // the scripts hold valid JSON only
    }

    // MARK: Anthropic

    private func anthropicEvents(_ script: ModelScript, _ number: Int) -> [JSONValue] {
        var events: [JSONValue] = [
            [
                "type": "message_start",
                "message": ["id": "m", "content": [], "usage": ["input_tokens": 10, "output_tokens": 1]],
            ]
        ]
        for (index, part) in script.parts.enumerated() {
            func add(_ start: JSONValue, _ deltas: [JSONValue]) {
                events.append(["type": "content_block_start", "index": .integer(index), "content_block": start])
                for delta in deltas {
                    events.append(["type": "content_block_delta", "index": .integer(index), "delta": delta])
                }
                events.append(["type": "content_block_stop", "index": .integer(index)])
            }
            switch part {
            case .thought(let text):
                add(
                    ["type": "thinking", "thinking": "", "signature": ""],
                    Self.pieces(text).map { ["type": "thinking_delta", "thinking": .string($0)] }
                        + [["type": "signature_delta", "signature": .string(signature(number))]])
            case .text(let text), .refusal(let text):
                add(
                    ["type": "text", "text": ""],
                    Self.pieces(text).map { ["type": "text_delta", "text": .string($0)] })
            case .call(let id, let name, let arguments):
                add(
                    ["type": "tool_use", "id": .string(id), "name": .string(name), "input": [:]],
                    Self.pieces(arguments ?? "").map { ["type": "input_json_delta", "partial_json": .string($0)] })
            }
        }
        let reason: JSONValue =
            switch script.end {
            case .normal: script.hasCalls ? "tool_use" : "end_turn"
            case .maxTokens: "max_tokens"
            case .contentFilter: "refusal"
            }
        return events + [
            ["type": "message_delta", "delta": ["stop_reason": reason], "usage": ["output_tokens": 7]],
            ["type": "message_stop"],
        ]
    }

    // MARK: OpenAI

    private func openaiEvents(_ script: ModelScript, _ number: Int) -> [JSONValue] {
        var events: [JSONValue] = [["type": "response.created", "response": ["id": "r", "status": "in_progress"]]]
        var output: [JSONValue] = []
        for (index, part) in script.parts.enumerated() {
            let id: JSONValue = .string("item_\(number)_\(index)")
            func add(_ begun: JSONValue, _ kind: String, _ text: String, _ place: String?, _ done: JSONValue) {
                let position: JSONValue = .integer(index)
                events.append(["type": "response.output_item.added", "output_index": position, "item": begun])
                for piece in Self.pieces(text) where !piece.isEmpty {
                    var delta: JSONObject = ["type": .string("response.\(kind).delta"), "item_id": id]
                    delta["output_index"] = position
                    if let place { delta[place] = 0 }
                    delta["delta"] = .string(piece)
                    events.append(.object(delta))
                }
                events.append(["type": "response.output_item.done", "output_index": position, "item": done])
                output.append(done)
            }
            func addMessage(_ type: String, _ member: String, _ kind: String, _ text: String) {
                let part: JSONValue = .object([
                    "type": .string(type), .init(stringLiteral: member): .string(text),
                ])
                add(
                    ["id": id, "type": "message", "role": "assistant", "content": []], kind, text, "content_index",
                    ["id": id, "type": "message", "role": "assistant", "content": [part]])
            }
            switch part {
            case .thought(let text):
                add(
                    ["id": id, "type": "reasoning", "summary": []], "reasoning_summary_text", text, "summary_index",
                    [
                        "id": id, "type": "reasoning", "summary": [["type": "summary_text", "text": .string(text)]],
                        "encrypted_content": .string(signature(number)),
                    ])
            case .text(let text): addMessage("output_text", "text", "output_text", text)
            case .refusal(let text): addMessage("refusal", "refusal", "refusal", text)
            case .call(let callID, let name, let arguments):
                func item(_ arguments: String) -> JSONValue {
                    [
                        "id": id, "type": "function_call", "call_id": .string(callID), "name": .string(name),
                        "arguments": .string(arguments),
                    ]
                }
                add(item(""), "function_call_arguments", arguments ?? "{}", nil, item(arguments ?? "{}"))
            }
        }
        var response: JSONObject = ["id": "r", "status": "completed"]
        var kind = "completed"
        if script.end == .maxTokens {
            kind = "incomplete"
            response["status"] = "incomplete"
            response["incomplete_details"] = ["reason": "max_output_tokens"]
        }
        response["output"] = .array(output)
        response["usage"] = ["input_tokens": 10, "output_tokens": 7, "total_tokens": 17]
        return events + [["type": .string("response.\(kind)"), "response": .object(response)]]
    }

    // MARK: Gemini

    private func geminiEvents(_ script: ModelScript, _ number: Int) -> [JSONValue] {
        var events: [JSONValue] = []
        func add(_ part: JSONObject) {
            events.append(["candidates": [["content": ["parts": [.object(part)], "role": "model"], "index": 0]]])
        }
        // What was thought is signed with the first call, or else behind the text.
        var signed: JSONObject = script.hasThoughts ? ["thoughtSignature": .string(signature(number))] : [:]
        for part in script.parts {
            switch part {
            case .thought(let text):
                for piece in Self.pieces(text) { add(["text": .string(piece), "thought": true]) }
            case .text(let text), .refusal(let text):
                for piece in Self.pieces(text) { add(["text": .string(piece)]) }
            case .call(let id, let name, let arguments):
                var call: JSONObject = ["id": .string(id), "name": .string(name)]
                if let arguments { call["args"] = Self.object(arguments) }
                add((["functionCall": .object(call)] as JSONObject).merging(signed))
                signed = [:]
            }
        }
        if !signed.isEmpty { add((["text": ""] as JSONObject).merging(signed)) }
        let reason: JSONValue =
            switch script.end {
            case .normal: "STOP"
            case .maxTokens: "MAX_TOKENS"
            case .contentFilter: "SAFETY"
            }
        let content: JSONValue = ["parts": [["text": ""]], "role": "model"]
        return events + [
            [
                "candidates": [["content": content, "finishReason": reason, "index": 0]],
                "usageMetadata": ["promptTokenCount": 10, "candidatesTokenCount": 7, "totalTokenCount": 17],
            ]
        ]
    }

    // MARK: Chat Completions

    private func chatEvents(_ script: ModelScript, _ number: Int) -> [JSONValue] {
        func chunk(_ delta: JSONValue, _ reason: JSONValue = nil) -> JSONValue {
            ["id": "c", "choices": [["index": 0, "delta": delta, "finish_reason": reason]]]
        }
        var events: [JSONValue] = [chunk(["role": "assistant", "content": ""])]
        var calls = 0
        for part in script.parts {
            switch part {
            case .thought(let text): events += Self.pieces(text).map { chunk(["reasoning_content": .string($0)]) }
            case .text(let text), .refusal(let text):
                events += Self.pieces(text).map { chunk(["content": .string($0)]) }
            case .call(let id, let name, let arguments):
                let start: JSONValue = [
                    "index": .integer(calls), "id": .string(id), "type": "function",
                    "function": ["name": .string(name), "arguments": ""],
                ]
                events.append(chunk(["tool_calls": [start]]))
                for piece in Self.pieces(arguments ?? "") {
                    let delta: JSONValue = ["index": .integer(calls), "function": ["arguments": .string(piece)]]
                    events.append(chunk(["tool_calls": [delta]]))
                }
                calls += 1
            }
        }
        let reason: JSONValue =
            switch script.end {
            case .normal: script.hasCalls ? "tool_calls" : "stop"
            case .maxTokens: "length"
            case .contentFilter: "content_filter"
            }
        return events + [
            chunk([:], reason),
            ["id": "c", "choices": [], "usage": ["prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17]],
        ]
    }
}

/// Answers one request after the other with a script and keeps what was sent.
final class WireTransport: HTTPTransport {
    private let wire: Wire
    private let state: Mutex<(scripts: [ModelScript], bodies: [[UInt8]])>

    init(_ wire: Wire, _ scripts: [ModelScript]) {
        self.wire = wire
        state = Mutex((scripts, []))
    }

    /// The bodies of the requests so far.
    var bodies: [[UInt8]] { state.withLock { $0.bodies } }

    func send(_ request: HTTPRequest, to receiver: some HTTPReceiver) async throws(HTTPError) {
        let next = state.withLock { state -> (ModelScript, Int)? in
            state.bodies.append(Array(request.body.joined()))
            return state.scripts.isEmpty ? nil : (state.scripts.removeFirst(), state.bodies.count)
        }
        guard let (script, number) = next else {
            receiver.receive(HTTPHead(status: 400, headers: []))
            return
        }
        receiver.receive(HTTPHead(status: 200, headers: [(name: "content-type", value: "text/event-stream")]))
        let flow = wire.body(script, number).withUnsafeBytes { receiver.receive($0.bytes) }
        if flow == .pause { await withCheckedContinuation { done in receiver.whenReady { done.resume() } } }
        receiver.receiveEndOfRead()
    }
}

extension JSONObject {
    fileprivate func merging(_ other: JSONObject) -> JSONObject {
        var result = self
        for member in other.members { result[member.name] = member.value }
        return result
    }
}
