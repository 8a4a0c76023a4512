internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Writes a history as chat messages.
///
/// An answer is one `assistant` message. An input is one `tool` message per result and one `user` message for all that
/// was said, because the templates of many local models refuse two messages of one role in a row. For the same reason
/// a group of which nothing is left gets a substitute text instead of being left out.
struct ChatMessages {
    let model: String
    let dialect: ChatDialect

    static let emptyInput = "(empty message)"
    static let emptyAnswer = "(no visible answer)"
    private static let maxNameLength = 64
    private static let maxIDLength = 40

    func write(_ group: MessageGroup, to writer: inout JSONWriter) {
        switch group {
        case .input(let results, let messages):
            for result in results { write(result, to: &writer) }
            writeInput(messages, isRequired: results.isEmpty, to: &writer)
        case .answer(let blocks):
            writer.element { $0.writeObject { write(blocks, to: &$0) } }
        }
    }

    /// Writes what was said as one message: a text, or a list of parts when there are pictures.
    private func writeInput(_ messages: [[Block]], isRequired: Bool, to writer: inout JSONWriter) {
        let texts = messages.map(\.joinedText).filter { !$0.isEmpty }
        let hasImages = messages.joined().contains { $0.image != nil }
        guard hasImages || !texts.isEmpty || isRequired else { return }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("role", "user")
                writer.member("content") { writer in
                    if hasImages {
                        writer.writeArray { writer in
                            for block in messages.joined() { writePart(block, to: &writer) }
                        }
                    } else {
                        writer.writeString(texts.isEmpty ? Self.emptyInput : texts.joined(separator: "\n\n"))
                    }
                }
            }
        }
    }

    private func writePart(_ block: Block, to writer: inout JSONWriter) {
        switch block {
        case .text(let text) where !text.isEmpty:
            writer.element { writer in
                writer.writeObject { writer in
                    writer.member("type", "text")
                    writer.member("text", text)
                }
            }
        case .image(let image):
            writer.element { writer in
                writer.writeObject { writer in
                    writer.member("type", "image_url")
                    writer.member("image_url") { $0.writeObject { $0.member("url", image.dataURL) } }
                }
            }
        default: return
        }
    }

    private func write(_ blocks: [Block], to writer: inout JSONWriter) {
        let calls = blocks.toolUses
        let thought = calls.isEmpty ? nil : reasoning(of: blocks)
        var text = blocks.joinedText
        if let thought, thought.field == ChatReasoning.tags { text = ChatReasoning.tagged(thought.text) + text }
        writer.member("role", "assistant")
        writer.member("content") { writer in
            if !text.isEmpty {
                writer.writeString(text)
            } else if calls.isEmpty {
                writer.writeString(Self.emptyAnswer)
            } else {
                writer.writeNull()
            }
        }
        guard !calls.isEmpty else { return }
        if let thought, thought.field != ChatReasoning.tags { writer.member(named: thought.field, thought.text) }
        writer.member("tool_calls") { writer in
            writer.writeArray { writer in
                for call in calls { write(call, to: &writer) }
            }
        }
    }

    /// What the model thought before it called tools, and where the server wants to see it.
    ///
    /// Models that think between calls want to see it, and some servers refuse the call without it. After a final
    /// answer it is of no use any more.
    private func reasoning(of blocks: [Block]) -> (field: String, text: String)? {
        guard dialect.reasoningField != .nowhere else { return nil }
        var field = dialect.reasoningField?.rawValue
        var text = ""
        for case .reasoning(let part, let data?) in blocks where data.format == .chatCompletions && data.model == model
        {
            guard let name = ChatReasoning.field(of: data) else { continue }
            field = field ?? name
            text += part
        }
        if dialect.requiresReasoning {
            return (field ?? Configuration.ProviderDefinition.ReasoningField.reasoningContent.rawValue, text)
        }
        return text.isEmpty ? nil : field.map { ($0, text) }
    }

    private func write(_ call: ToolUse, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("id", id(call.id))
                writer.member("type", "function")
                writer.member("function") { writer in
                    writer.writeObject { writer in
                        writer.member("name", call.name.asIdentifier(distinctly: false, maxLength: Self.maxNameLength))
                        writer.member("arguments", call.argumentsObject.text)
                    }
                }
            }
        }
    }

    private func write(_ result: ToolResult, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("role", "tool")
                writer.member("tool_call_id", id(result.toolUseID))
                writer.member("content", result.content.joinedText)
            }
        }
    }

    /// Most servers take any id; the ones that do not agree on its length.
    private func id(_ id: String) -> String {
        switch dialect.toolCallID {
        case .any:
            id.utf8.count <= Self.maxIDLength ? id : id.asIdentifier(distinctly: true, maxLength: Self.maxIDLength)
        case .alphanumeric9: id.asAlphanumeric9
        }
    }
}

extension String {
    /// An id of nine letters and digits: the id itself when it is one, else one that is as good as certain to differ
    /// from that of any other id.
    fileprivate var asAlphanumeric9: String {
        let symbols = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        if count == 9, allSatisfy(symbols.contains) { return self }
        var number = SHA256.hash(Array(utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return String(
            (0..<9).map { _ in
                defer { number /= UInt64(symbols.count) }
                return symbols[Int(number % UInt64(symbols.count))]
            })
    }
}
