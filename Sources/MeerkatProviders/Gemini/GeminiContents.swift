internal import MeerkatCore
internal import MeerkatJSON

/// Writes a history as contents of the API: one content per group, so that the roles `user` and `model` always alternate.
///
/// A group of which nothing is left, for example an answer that was only another model's reasoning, gets a substitute
/// text instead of being left out.
///
/// What a model has signed is shown to that model again with the signature in its place.
///
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>
struct GeminiContents {
    let model: String

    static let emptyInput = "(empty message)"
    static let emptyAnswer = "(no visible answer)"
    private static let maxNameLength = 128
    /// What the API takes for the signature of a call that it has not made itself.
    static let foreignSignature = "skip_thought_signature_validator"

    func write(_ group: MessageGroup, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                switch group {
                case .input(let results, let messages):
                    writer.member("role", "user")
                    writer.member("parts") { $0.writeArray { write(results, messages, to: &$0) } }
                case .answer(let blocks):
                    writer.member("role", "model")
                    writer.member("parts") { $0.writeArray { write(blocks, to: &$0) } }
                }
            }
        }
    }

    // MARK: Input

    private func write(_ results: [ToolResult], _ messages: [[Block]], to writer: inout JSONWriter) {
        let start = writer.bytes.count
        for result in results { write(result, to: &writer) }
        for block in messages.joined() {
            switch block {
            case .text(let text): if !text.isEmpty { write(text, to: &writer) }
            case .image(let image): write(image, to: &writer)
            case .reasoning, .toolUse, .opaque: continue
            }
        }
        if writer.bytes.count == start { write(Self.emptyInput, to: &writer) }
    }

    private func write(_ image: Image, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("inlineData") { writer in
                    writer.writeObject { writer in
                        writer.member("mimeType", image.mediaType.rawValue)
                        writer.member("data", image.base64)
                    }
                }
            }
        }
    }

    private func write(_ result: ToolResult, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("functionResponse") { writer in
                    writer.writeObject { writer in
                        writer.member("id", GeminiCallID.sent(result.toolUseID))
                        writer.member("name", result.name.asFunctionName(maxLength: Self.maxNameLength))
                        writer.member("response") { writer in
                            writer.writeObject { writer in
                                writer.member("content", result.content.joinedText)
                                writer.member("error", result.isError)
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: Answers

    private func write(_ blocks: [Block], to writer: inout JSONWriter) {
        let start = writer.bytes.count
        var hasCalls = false
        for (position, block) in blocks.enumerated() {
            switch block {
            case .text(let text):
                guard !text.isEmpty else { continue }
                let next = position + 1 < blocks.count ? blocks[position + 1] : nil
                write(text, signature: next.flatMap(signature)?.ofText, to: &writer)
            case .reasoning(let text, _):
                guard let signature = signature(of: block) else { continue }
                // Written with the text before it.
                if signature.place == .text, position > 0, blocks[position - 1].text?.isEmpty == false { continue }
                write(
                    signature.place == .thought ? text : "", isThought: signature.place == .thought,
                    signature: signature.value, to: &writer)
            case .toolUse(let toolUse):
                write(toolUse, isFirst: !hasCalls, to: &writer)
                hasCalls = true
            case .opaque(let data): if isOurs(data) { writer.element(data.json) }
            case .image: continue
            }
        }
        if writer.bytes.count == start { write(Self.emptyAnswer, to: &writer) }
    }

    private func isOurs(_ data: ProviderData) -> Bool { data.format == .geminiGenerateContent && data.model == model }

    private func signature(of block: Block) -> GeminiSignature? {
        guard case .reasoning(_, let data?) = block, isOurs(data) else { return nil }
        return GeminiSignature(data.json)
    }

    private func write(
        _ text: String, isThought: Bool = false, signature: String? = nil, to writer: inout JSONWriter
    ) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("text", text)
                if isThought { writer.member("thought", true) }
                writer.member("thoughtSignature", signature)
            }
        }
    }

    private func write(_ toolUse: ToolUse, isFirst: Bool, to writer: inout JSONWriter) {
        var signature = toolUse.data.flatMap { isOurs($0) ? GeminiSignature($0.json)?.value : nil }
        // The first call of an answer stands for all of them.
        if signature == nil, isFirst, needsSignatures { signature = Self.foreignSignature }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("functionCall") { writer in
                    writer.writeObject { writer in
                        writer.member("id", GeminiCallID.sent(toolUse.id))
                        writer.member("name", toolUse.name.asFunctionName(maxLength: Self.maxNameLength))
                        writer.member("args", toolUse.argumentsObject)
                    }
                }
                writer.member("thoughtSignature", signature)
            }
        }
    }

    /// Whether the model refuses calls without a signature, as those from Gemini 3 on do.
    ///
    /// Names without a number, such as `gemini-flash-latest`, are those of the newest models.
    private var needsSignatures: Bool {
        let name = (model.split(separator: "/").last ?? "").lowercased()
        return name.hasPrefix("gemini-") && !name.hasPrefix("gemini-1") && !name.hasPrefix("gemini-2")
    }
}

/// What a model has signed, and where: kept as the data of a block.
struct GeminiSignature {
    enum Place {
        /// The text before it.
        case text
        /// A part of its own, without text.
        case emptyText
        /// What the model thought.
        case thought
        case call
    }

    let value: String
    let place: Place

    init(_ value: String, on place: Place) {
        self.value = value
        self.place = place
    }

    /// Reads what ``json`` has written; nil when it is something else.
    init?(_ json: RawJSON) {
        guard let members = try? json.value(),  // it was read as JSON
            let value = members["thoughtSignature"]?.string
        else { return nil }
        self.value = value
        place = members["thought"] == true ? .thought : members["text"] != nil ? .emptyText : .text
    }

    var json: RawJSON {
        var members = JSONObject()
        if place == .emptyText { members["text"] = "" }
        if place == .thought { members["thought"] = true }
        members["thoughtSignature"] = .string(value)
        return RawJSON(encoding: members)
    }

    fileprivate var ofText: String? { place == .text ? value : nil }
}

/// The ids of calls; most models give none, and calls and results are then matched by their order.
enum GeminiCallID {
    private static let prefix = "gemini_"

    /// An id for a call that came without one; `response` is different for each answer.
    static func generated(_ number: Int, response: String?) -> String {
        guard let response, !response.isEmpty else { return "\(prefix)\(number)" }
        return "\(prefix)\(response.asIdentifier(distinctly: true, maxLength: 40))_\(number)"
    }

    /// The id as the API is shown it, with a call and with its result; nil for one that stands in for none.
    ///
    /// Endpoints that give no ids refuse to be sent any.
    static func sent(_ id: String) -> String? { id.hasPrefix(prefix) ? nil : id }
}

extension String {
    /// The text as the name of a function; names that the API allows remain as they are.
    fileprivate func asFunctionName(maxLength: Int) -> String {
        let plain = utf8.filter { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: ":") }
        let isAllowed = !isEmpty && utf8.count <= maxLength && plain.allSatisfy(Self.isIdentifierByte)
        return isAllowed ? self : asIdentifier(distinctly: false, maxLength: maxLength)
    }
}
