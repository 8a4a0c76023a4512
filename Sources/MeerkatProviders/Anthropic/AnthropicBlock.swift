internal import MeerkatCore
internal import MeerkatJSON

/// A content block of an answer while it is being streamed.
struct AnthropicBlock: Sendable {
    enum Kind: Sendable, Hashable {
        case text
        case thinking
        case redactedThinking
        case toolUse
        /// A block of the provider's own, such as a call of a server tool or its result.
        case other
    }

    let index: UInt64
    let kind: Kind
    /// The text, the thinking, or the JSON of the input.
    var content: [UInt8] = []
    var signature = ""
    var isClosed = false
    /// The members the block began with; for ``Kind/other`` with what was added since, but for ``texts``.
    private var members = RawMembers()
    /// The members that deltas have continued, by name.
    private var texts: [String: String] = [:]
    private var citations: [RawJSON] = []

    /// Opens a block that no start was seen of.
    init(index: UInt64, kind: Kind) {
        self.index = index
        self.kind = kind
    }

    /// Reads the value of `content_block`, which may already hold text or the whole block.
    init(index: UInt64, from reader: inout JSONReader) throws(JSONError) {
        self.index = index
        members = try reader.read()
        switch members.string("type") {
        case "text": kind = .text
        case "thinking": kind = .thinking
        case "redacted_thinking": kind = .redactedThinking
        case "tool_use": kind = .toolUse
        default: kind = .other
        }
        if kind == .text { content = Array((members.string("text") ?? "").utf8) }
        if kind == .thinking { content = Array((members.string("thinking") ?? "").utf8) }
        signature = members.string("signature") ?? ""
    }

    /// Adds a delta of a kind that has no meaning here: strings grow, citations are collected, anything else replaces.
    mutating func add(_ delta: inout JSONReader) throws(JSONError) {
        try delta.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "type": break
            case "partial_json": try reader.readText(appendingTo: &content)
            case "citation": citations.append(try reader.readRaw())
            default:
                let name = key.string
                let value = try reader.readRaw()
                if let new = try value.value().string, let old = texts[name] == nil ? members.string(name) : "" {
                    texts[name, default: old] += new
                } else if value != Self.null {
                    texts[name] = nil
                    members.set(name, to: value)
                }
            }
        }
    }

    // MARK: The finished block

    /// The block as part of the answer; nil when there is nothing in it.
    ///
    /// Citations of a text are left out: they are not needed to show the text to the model again.
    func finished(model: String) throws(ProviderError) -> Block? {
        func data(_ json: RawJSON) -> ProviderData {
            ProviderData(format: .anthropicMessages, model: model, json: json)
        }
        switch kind {
        case .text:
            return content.isEmpty ? nil : .text(text)
        case .thinking:
            guard !signature.isEmpty else { return content.isEmpty ? nil : .reasoning(text: text, data: nil) }
            return .reasoning(text: text, data: data(AnthropicReasoning.thinking(signature: signature)))
        case .redactedThinking:
            return .reasoning(text: "", data: data(json))
        case .toolUse:
            guard let id = members.string("id"), let name = members.string("name") else {
                throw ProviderFailure.malformed("a tool call has no id or no name")
            }
            return .toolUse(toolUse(id: id, name: name))
        case .other:
            return .opaque(data(json))
        }
    }

    private var text: String { String(decoding: content, as: UTF8.self) }

    private func toolUse(id: String, name: String) -> ToolUse {
        guard content.isEmpty else { return ToolUse(id: id, name: name, arguments: content) }
        // Without a delta the input stands at the start; a block that was not closed may have lost its deltas.
        let input = members["input"] ?? .emptyObject
        guard isClosed || input.bytes.count > 2 else {
            return ToolUse(id: id, name: name, arguments: nil, malformedArguments: "")
        }
        return ToolUse(id: id, name: name, arguments: input)
    }

    private var json: RawJSON {
        var members = members
        for (name, text) in texts { members.set(name, to: RawJSON(encoding: text)) }
        if let input = try? RawJSON(content) { members.set("input", to: input) }  // cut off or absent: as it began
        if !citations.isEmpty {
            let earlier = (try? members["citations"]?.value().array) ?? []  // it is valid JSON
            members.set("citations", to: RawJSON(encoding: earlier.map { RawJSON(encoding: $0) } + citations))
        }
        return RawJSON(encoding: members)
    }

    private static let null = RawJSON(encoding: JSONValue.null)
}

/// An object whose members keep their order and the bytes they were written with.
private struct RawMembers: Sendable, JSONCodable {
    private var members: [(name: String, value: RawJSON)] = []
    /// The last member of each name.
    private var positions: [String: Int] = [:]

    init() {}

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.readObject { (reader, key) throws(JSONError) in
            append(key.string, try reader.readRaw())
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            for member in members { writer.member(named: member.name, member.value) }
        }
    }

    private mutating func append(_ name: String, _ value: RawJSON) {
        positions[name] = members.count
        members.append((name, value))
    }

    subscript(name: String) -> RawJSON? { positions[name].map { members[$0].value } }

    mutating func set(_ name: String, to value: RawJSON) {
        if let position = positions[name] { members[position].value = value } else { append(name, value) }
    }

    /// The value of a member that is a string.
    func string(_ name: String) -> String? {
        try? self[name]?.value().string  // it is valid JSON
    }
}

/// What of a thinking block is kept beside its text.
enum AnthropicReasoning {
    static func thinking(signature: String) -> RawJSON {
        RawJSON(encoding: ["type": "thinking", "signature": .string(signature)] as JSONValue)
    }
}

extension ToolUse {
    /// A call whose arguments came as text; text that is no JSON is kept apart.
    init(id: String, name: String, arguments text: [UInt8]) {
        if let arguments = try? RawJSON(text) {  // why it is malformed is for the model to see
            self.init(id: id, name: name, arguments: arguments)
        } else {
            self.init(id: id, name: name, arguments: nil, malformedArguments: String(decoding: text, as: UTF8.self))
        }
    }
}
