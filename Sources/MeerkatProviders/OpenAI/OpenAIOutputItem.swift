internal import MeerkatCore
internal import MeerkatJSON

/// An item of an answer while it is being streamed.
struct OpenAIOutputItem: Sendable {
    enum Kind: Sendable, Hashable {
        case message
        case reasoning
        case call
        /// An item of the server's own, such as a call of one of its tools.
        case other
    }

    /// What of a reasoning item is shown; when a server sends both, what came first counts.
    enum Source: String, Sendable, Hashable {
        case summary, content
    }

    let kind: Kind
    let outputIndex: UInt64?
    let id: [UInt8]
    /// The text, what was thought, or the JSON of the arguments.
    private(set) var content: [UInt8] = []
    private(set) var hasRefusal = false
    /// The server has said all of it.
    private(set) var isWhole = false
    /// It has been told that what was thought is complete.
    var isClosed = false
    /// The content is the JSON of arguments.
    private var hasArguments = false
    private var source: Source?
    private var part: UInt64?
    /// The item as it was last shown; nil when only deltas of it were seen.
    private var json: RawJSON?
    private var members = JSONObject()

    private static let separator = Array("\n\n".utf8)

    /// An item that no start was seen of.
    init(kind: Kind, outputIndex: UInt64?, id: [UInt8]) {
        self.kind = kind
        self.outputIndex = outputIndex
        self.id = id
    }

    /// An item as it stands in an event or a response; nil for what is no item.
    init?(_ json: RawJSON, outputIndex: UInt64?) {
        guard let members = try? json.value().object else { return nil }  // it is valid JSON
        switch members["type"]?.string {
        case "message": kind = .message
        case "reasoning": kind = .reasoning
        case "function_call": kind = .call
        case nil: return nil
        default: kind = .other
        }
        self.outputIndex = outputIndex
        // Some servers name a call by its call id only.
        id = Array((members["id"]?.string ?? members["call_id"]?.string ?? "").utf8)
        self.json = json
        self.members = members
    }

    /// What the server calls the kind of the item; nil when only deltas of it were seen.
    var type: String? { members["type"]?.string }

    // MARK: Growing

    /// Adds a delta and returns how it is shown: parts are set apart by a blank line.
    mutating func add(_ text: [UInt8], from source: Source? = nil, part: UInt64?, isRefusal: Bool = false) -> [UInt8] {
        guard !text.isEmpty, source == nil || self.source == nil || self.source == source else { return [] }
        hasRefusal = hasRefusal || isRefusal
        let startsPart = kind == .reasoning && !content.isEmpty && self.part != part
        self.source = source
        self.part = part
        let shown = startsPart ? Self.separator + text : text
        content += shown
        return shown
    }

    /// Takes what stands in a later form of the item, and returns what of its text was not streamed.
    mutating func update(from other: OpenAIOutputItem, isWhole: Bool) -> [UInt8] {
        (json, members) = (other.json, other.members)
        self.isWhole = self.isWhole || isWhole
        switch kind {
        case .message:
            hasRefusal = hasRefusal || other.parts("content").contains { $0["refusal"]?.string != nil }
            return extend(to: other.messageText)
        case .reasoning: return isClosed ? [] : extend(to: other.reasoningText(from: source))
        case .call:
            setArguments(other.members["arguments"])
            return []
        case .other: return []
        }
    }

    /// What was streamed stays as it was shown; text that does not continue it is left alone.
    private mutating func extend(to whole: String) -> [UInt8] {
        let whole = Array(whole.utf8)
        guard whole.count > content.count, whole.starts(with: content) else { return [] }
        let rest = Array(whole[content.count...])
        content = whole
        return rest
    }

    private func parts(_ name: String) -> [JSONValue] { members[name]?.array ?? [] }

    private var messageText: String {
        members["content"]?.string
            ?? parts("content").map { $0["text"]?.string ?? $0["refusal"]?.string ?? "" }.joined()
    }

    private func reasoningText(from source: Source?) -> String {
        func text(_ source: Source) -> String {
            parts(source.rawValue).compactMap { $0["text"]?.string }.filter { !$0.isEmpty }.joined(separator: "\n\n")
        }
        if let source { return text(source) }
        let summary = text(.summary)
        return summary.isEmpty ? text(.content) : summary
    }

    // MARK: Arguments

    /// Takes the arguments as the server repeats them, unless the deltas made sense by themselves.
    mutating func setArguments(_ text: [UInt8]) {
        guard !text.isEmpty, !hasArguments else { return }
        hasArguments = (try? RawJSON(content)) != nil  // what is wrong with it does not matter
        if !hasArguments { content = text }
    }

    private mutating func setArguments(_ value: JSONValue?) {
        switch value {
        case .string(let text): setArguments(Array(text.utf8))
        // Some servers send the object itself.
        case .object(let object): setArguments(object.jsonBytes)
        default: break
        }
    }

    // MARK: The finished item

    /// The item as part of the answer.
    ///
    /// - Parameters:
    ///   - model: The model that is being asked.
    ///   - callID: Names the call if it is one.
    ///   - mayBeCut: Whether the answer ended within this item.
    /// - Returns: No block when there is nothing in the item.
    /// - Throws: ``ProviderError/Reason/malformedResponse`` for a call of nothing.
    func finished(model: String, callID: String, mayBeCut: Bool) throws(ProviderError) -> [Block] {
        func data(_ object: JSONObject) -> ProviderData? {
            object.isEmpty
                ? nil : ProviderData(format: .openAIResponses, model: model, json: RawJSON(encoding: object))
        }
        let text = String(decoding: content, as: UTF8.self)
        switch kind {
        case .message:
            guard !text.isEmpty else { return [] }
            return (header.flatMap(data).map { [.opaque($0)] } ?? []) + [.text(text)]
        case .reasoning:
            guard json != nil || !text.isEmpty else { return [] }
            return [.reasoning(text: text, data: data(without(["status"])))]
        case .call:
            guard let name = members["name"]?.string, !name.isEmpty else {
                throw ProviderFailure.malformed("a tool call has no name")
            }
            var call = toolUse(id: callID, name: name, mayBeCut: mayBeCut)
            call.data = data(without(["type", "id", "call_id", "name", "arguments", "status"]))
            return [.toolUse(call)]
        case .other:
            // What has only begun is not worth keeping.
            guard isWhole, let json else { return [] }
            return [.opaque(ProviderData(format: .openAIResponses, model: model, json: json))]
        }
    }

    /// What the server wants back with the text of a message, kept in front of it; few models say anything.
    private var header: JSONObject? {
        guard let phase = members["phase"], phase.string != nil else { return nil }
        return ["type": "message", "phase": phase]
    }

    /// The members of the item but for some names and for those that are null.
    private func without(_ names: [String]) -> JSONObject {
        var rest = JSONObject()
        for member in members.members where !names.contains(member.name) && !member.value.isNull {
            rest[member.name] = member.value
        }
        return rest
    }

    /// The id that the server gave the call; empty when it gave none.
    var callID: String { members["call_id"]?.string ?? members["id"]?.string ?? "" }

    private func toolUse(id: String, name: String, mayBeCut: Bool) -> ToolUse {
        guard content.contains(where: { $0 > 0x20 }) else {
            return ToolUse(
                id: id, name: name, arguments: mayBeCut ? nil : .emptyObject, malformedArguments: mayBeCut ? "" : nil)
        }
        return ToolUse(id: id, name: name, arguments: content)
    }
}
