internal import MeerkatCore
internal import MeerkatJSON

/// Writes a history as messages of the API: one message per group, so that user and assistant always alternate.
///
/// The API refuses texts without a visible character and messages without content. Such texts are left out; a group of
/// which nothing is left, for example an answer that was only another model's reasoning, gets a substitute text instead of
/// being left out: its neighbours are rendered without knowing of it and would otherwise follow each other in one role.
struct AnthropicMessages {
    let model: String

    static let emptyInput = "(empty message)"
    static let emptyAnswer = "(no visible answer)"
    private static let maxNameLength = 128

    func write(_ group: MessageGroup, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                switch group {
                case .input(let results, let messages):
                    writer.member("role", "user")
                    writer.member("content") { $0.writeArray { write(results, messages, to: &$0) } }
                case .answer(let blocks):
                    writer.member("role", "assistant")
                    writer.member("content") { $0.writeArray { write(blocks, to: &$0) } }
                }
            }
        }
    }

    private func write(_ results: [ToolResult], _ messages: [[Block]], to writer: inout JSONWriter) {
        // The API wants the results before anything else.
        for result in results { write(result, to: &writer) }
        var isEmpty = results.isEmpty
        for block in messages.joined() {
            switch block {
            case .text(let text) where text.isVisible: write(text, to: &writer)
            case .image(let image): write(image, to: &writer)
            default: continue
            }
            isEmpty = false
        }
        if isEmpty { write(Self.emptyInput, to: &writer) }
    }

    private func write(_ image: Image, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "image")
                writer.member("source") { writer in
                    writer.writeObject { writer in
                        writer.member("type", "base64")
                        writer.member("media_type", image.mediaType.rawValue)
                        writer.member("data", image.base64)
                    }
                }
            }
        }
    }

    private func write(_ blocks: [Block], to writer: inout JSONWriter) {
        let start = writer.bytes.count
        for block in blocks {
            switch block {
            case .text(let text): if text.isVisible { write(text, to: &writer) }
            case .reasoning(let text, let data): write(reasoning: text, data, to: &writer)
            case .toolUse(let toolUse): write(toolUse, to: &writer)
            case .opaque(let data): if isOurs(data) { writer.element(data.json) }
            case .image: continue
            }
        }
        if writer.bytes.count == start { write(Self.emptyAnswer, to: &writer) }
    }

    private func isOurs(_ data: ProviderData) -> Bool { data.format == .anthropicMessages && data.model == model }

    private func write(_ text: String, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "text")
                writer.member("text", text)
            }
        }
    }

    /// Thinking is shown only with its signature, which only the model that signed it accepts.
    private func write(reasoning text: String, _ data: ProviderData?, to writer: inout JSONWriter) {
        guard let data, isOurs(data), let value = try? data.json.value() else { return }  // it was read as JSON
        guard value["type"] == "thinking" else { return writer.element(data.json) }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "thinking")
                writer.member("thinking", text)
                writer.member("signature", value["signature"])
            }
        }
    }

    private func write(_ toolUse: ToolUse, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "tool_use")
                writer.member("id", id(toolUse.id))
                writer.member("name", toolUse.name.asIdentifier(distinctly: false, maxLength: Self.maxNameLength))
                writer.member("input", toolUse.argumentsObject)
            }
        }
    }

    private func write(_ result: ToolResult, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "tool_result")
                writer.member("tool_use_id", id(result.toolUseID))
                writer.member("content", result.content.joinedText)
                if result.isError { writer.member("is_error", true) }
            }
        }
    }

    private func id(_ id: String) -> String { id.asIdentifier(distinctly: true, maxLength: 64) }
}

extension String {
    /// Whether there is anything but white space.
    fileprivate var isVisible: Bool { contains { !$0.isWhitespace } }
}

extension ToolUse {
    /// The arguments as APIs want them back: an object, empty when the model wrote something else.
    var argumentsObject: RawJSON {
        guard let arguments, arguments.bytes.first == UInt8(ascii: "{") else { return .emptyObject }
        return arguments
    }
}
