internal import MeerkatCore
internal import MeerkatJSON

/// Writes a history as items of the API.
///
/// An input is one `function_call_output` per result and one user message for all that was said. An answer is one item
/// per block, in order. A group of which nothing is left gets a substitute text, so that it keeps its place.
///
/// What a model thought goes back to that model, in front of the item that it led to: the API refuses reasoning without
/// that item. Of ids that stand for something stored, the API says that it cannot find it, because nothing is stored.
/// Hence encrypted reasoning, messages and calls are sent without the ids that the API gave them, which it accepts.
///
/// Sources: <https://platform.openai.com/docs/guides/reasoning#keeping-reasoning-items-in-context>,
/// <https://github.com/langchain-ai/langchain/pull/38372> and <https://github.com/maximhq/bifrost/issues/5410> on ids.
struct OpenAIItems {
    let model: String

    static let emptyInput = "(empty message)"
    static let emptyAnswer = "(no visible answer)"
    static let maxNameLength = 64
    private static let maxIDLength = 64

    func write(_ group: MessageGroup, to writer: inout JSONWriter) {
        switch group {
        case .input(let results, let messages):
            for result in results { write(result, to: &writer) }
            writeInput(messages, isRequired: results.isEmpty, to: &writer)
        case .answer(let blocks):
            var answer = OpenAIAnswerItems(model: model, blocks: blocks)
            answer.write(to: &writer)
        }
    }

    private func write(_ result: ToolResult, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "function_call_output")
                writer.member("call_id", Self.callID(result.toolUseID))
                writer.member("output", result.content.joinedText)
            }
        }
    }

    private func writeInput(_ messages: [[Block]], isRequired: Bool, to writer: inout JSONWriter) {
        var parts = JSONWriter()
        for block in messages.joined() { writePart(block, to: &parts) }
        if parts.bytes.isEmpty, isRequired { writePart(.text(Self.emptyInput), to: &parts) }
        guard !parts.bytes.isEmpty else { return }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "message")
                writer.member("role", "user")
                writer.member("content") { $0.writeArray { $0.bytes += parts.bytes } }
            }
        }
    }

    private func writePart(_ block: Block, to writer: inout JSONWriter) {
        switch block {
        case .text(let text) where !text.isEmpty:
            writer.element { writer in
                writer.writeObject { writer in
                    writer.member("type", "input_text")
                    writer.member("text", text)
                }
            }
        case .image(let image):
            writer.element { writer in
                writer.writeObject { writer in
                    writer.member("type", "input_image")
                    writer.member("detail", "auto")
                    writer.member("image_url", image.dataURL)
                }
            }
        default: return
        }
    }

    static func callID(_ id: String) -> String { id.asIdentifier(distinctly: true, maxLength: maxIDLength) }
}

/// The items of one answer while they are written.
private struct OpenAIAnswerItems {
    private let model: String
    private let blocks: [Block]
    /// How often an id stands in the server's own items that are calls or answers to one.
    private let callIDs: [String: Int]
    /// Reasoning whose item has not come yet.
    private var pending: [JSONObject] = []
    /// Something that was thought is not sent.
    private var lacksReasoning = false
    /// What the server said of the message that follows.
    private var phase: JSONValue?

    init(model: String, blocks: [Block]) {
        self.model = model
        self.blocks = blocks
        var callIDs: [String: Int] = [:]
        for case .opaque(let data) in blocks {
            if let id = Self.object(data)["call_id"]?.string { callIDs[id, default: 0] += 1 }
        }
        self.callIDs = callIDs
    }

    private static func object(_ data: ProviderData) -> JSONObject {
        (try? data.json.value())?.object ?? JSONObject()  // it was read as JSON
    }

    private func isOurs(_ data: ProviderData) -> Bool { data.format == .openAIResponses && data.model == model }

    mutating func write(to writer: inout JSONWriter) {
        let start = writer.bytes.count
        for block in blocks {
            switch block {
            case .text(let text): if !text.isEmpty { write(text, to: &writer) }
            case .reasoning(_, let data): take(reasoning: data)
            case .toolUse(let toolUse): write(toolUse, to: &writer)
            case .opaque(let data): write(data, to: &writer)
            case .image: continue
            }
        }
        if writer.bytes.count == start { write(OpenAIItems.emptyAnswer, to: &writer) }
    }

    // MARK: Reasoning

    private mutating func take(reasoning data: ProviderData?) {
        guard let data, isOurs(data), let item = Self.reasoning(Self.object(data)) else { return loseReasoning() }
        pending.append(item)
    }

    /// The item as it is sent; nil when it only names what the server might have stored.
    private static func reasoning(_ item: JSONObject) -> JSONObject? {
        var item = item
        if item["encrypted_content"]?.string?.isEmpty == false {
            item["id"] = nil
        } else if item["content"]?.array?.isEmpty != false {
            return nil
        }
        if item["summary"] == nil { item["summary"] = [] }
        return item
    }

    private mutating func loseReasoning() {
        pending.removeAll()
        lacksReasoning = true
    }

    private mutating func writePending(to writer: inout JSONWriter) {
        for item in pending { writer.element(item) }
        pending.removeAll()
    }

    // MARK: Other items

    private mutating func write(_ text: String, to writer: inout JSONWriter) {
        writePending(to: &writer)
        let phase = phase
        self.phase = nil
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "message")
                writer.member("role", "assistant")
                writer.member("phase", phase)
                writer.member("content") { writer in
                    writer.writeArray { writer in
                        writer.element { writer in
                            writer.writeObject { writer in
                                writer.member("type", "output_text")
                                writer.member("text", text)
                            }
                        }
                    }
                }
            }
        }
    }

    private mutating func write(_ toolUse: ToolUse, to writer: inout JSONWriter) {
        writePending(to: &writer)
        let further = toolUse.data.map { isOurs($0) ? Self.object($0) : JSONObject() }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "function_call")
                writer.member("call_id", OpenAIItems.callID(toolUse.id))
                writer.member(
                    "name", toolUse.name.asIdentifier(distinctly: false, maxLength: OpenAIItems.maxNameLength))
                writer.member("arguments", toolUse.argumentsObject.text)
                for member in further?.members ?? [] { writer.member(named: member.name, member.value) }
            }
        }
    }

    private mutating func write(_ data: ProviderData, to writer: inout JSONWriter) {
        guard isOurs(data) else { return loseReasoning() }
        let item = Self.object(data)
        if item["type"] == "message" {
            phase = item["phase"]
            return
        }
        guard !lacksReasoning, isAnswered(item) else { return loseReasoning() }
        writePending(to: &writer)
        writer.element(data.json)
    }

    /// Whether an item asks for nothing, or for what is there: a call that nobody has answered, such as one of a tool
    /// that the server lets its client run, would make the API refuse everything that is said from now on.
    ///
    /// Items that are no calls, such as the programs in which a model calls tools, have ids to be referred to; the
    /// server answers them itself.
    private func isAnswered(_ item: JSONObject) -> Bool {
        guard item["type"]?.string?.hasSuffix("_call") ?? true, let id = item["call_id"]?.string else { return true }
        return callIDs[id, default: 0] > 1
    }
}
