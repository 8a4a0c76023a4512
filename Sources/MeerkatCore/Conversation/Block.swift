public import MeerkatJSON

/// The wire format that provider-private data belongs to; only a provider that speaks it gets the data back.
public enum WireFormat: String, Sendable, Hashable, CaseIterable {
    case anthropicMessages = "anthropic_messages"
    case chatCompletions = "chat_completions"
    case geminiGenerateContent = "gemini_generate_content"
    case openAIResponses = "openai_responses"

    /// Whether its providers count cached tokens as input tokens as well.
    public var inputIncludesCache: Bool { self != .anthropicMessages }
}

/// Data that only the provider understands, kept byte for byte and shown again only to the model it came from.
public struct ProviderData: Sendable, Hashable {
    public var format: WireFormat
    public var model: String
    public var json: RawJSON

    public init(format: WireFormat, model: String, json: RawJSON) {
        self.format = format
        self.model = model
        self.json = json
    }
}

/// A piece of a message.
///
/// Prompts, answers and tool results are lists of blocks.
public enum Block: Sendable, Hashable {
    case text(String)
    /// A picture that models are shown; only in what is said to them.
    case image(Image)
    /// What the model thought; `data` holds what the provider wants back with it, such as a signature.
    case reasoning(text: String, data: ProviderData?)
    case toolUse(ToolUse)
    /// A block that means nothing here and is replayed as it came, such as the result of a provider's own tool.
    case opaque(ProviderData)

    public var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    public var image: Image? {
        if case .image(let image) = self { image } else { nil }
    }

    public var toolUse: ToolUse? {
        if case .toolUse(let toolUse) = self { toolUse } else { nil }
    }
}

/// A model's request to run a tool.
public struct ToolUse: Sendable, Hashable {
    /// Unique within the session.
    public var id: String
    public var name: String
    /// The arguments as the model wrote them: valid JSON, or nil when they were cut off or malformed.
    public var arguments: RawJSON?
    /// What the model wrote when it was not valid JSON.
    public var malformedArguments: String?
    /// What the provider wants back with the call, such as a signature.
    public var data: ProviderData?

    public init(
        id: String, name: String, arguments: RawJSON?, malformedArguments: String? = nil, data: ProviderData? = nil
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.malformedArguments = malformedArguments
        self.data = data
    }
}

extension [Block] {
    /// All text blocks joined without a separator.
    public var joinedText: String { reduce(into: "") { $0 += $1.text ?? "" } }

    /// The texts, and a word for each picture, on lines of their own where there are pictures.
    public var describedText: String {
        guard contains(where: { $0.image != nil }) else { return joinedText }
        return compactMap { $0.text ?? $0.image?.label }.joined(separator: "\n")
    }

    public var toolUses: [ToolUse] { compactMap(\.toolUse) }
}

extension Block: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            switch self {
            case .text(let text):
                writer.member("type", "text")
                writer.member("text", text)
            case .image(let image):
                writer.member("type", "image")
                image.writeMembers(to: &writer)
            case .reasoning(let text, let data):
                writer.member("type", "reasoning")
                writer.member("text", text)
                writer.member("data", data)
            case .toolUse(let toolUse):
                writer.member("type", "tool_use")
                writer.member("id", toolUse.id)
                writer.member("name", toolUse.name)
                writer.member("arguments", toolUse.arguments)
                writer.member("malformed_arguments", toolUse.malformedArguments)
                writer.member("data", toolUse.data)
            case .opaque(let data):
                writer.member("type", "opaque")
                writer.member("data", data)
            }
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var type: String?
        var text: String?
        var data: ProviderData?
        var id: String?
        var name: String?
        var arguments: RawJSON?
        var malformedArguments: String?
        var image = Image.Parts()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "type": type = try reader.readString()
            case "text": text = try reader.readString()
            case "data": data = try reader.readOptional()
            case "id": id = try reader.readString()
            case "name": name = try reader.readString()
            case "arguments": arguments = try reader.readRaw()
            case "malformed_arguments": malformedArguments = try reader.readString()
            default: _ = try image.read(key, from: &reader)
            }
        }
        switch try reader.require(type, "type") {
        case "text": self = .text(try reader.require(text, "text"))
        case "image": self = .image(try image.image(&reader))
        case "reasoning": self = .reasoning(text: try reader.require(text, "text"), data: data)
        case "opaque": self = .opaque(try reader.require(data, "data"))
        case "tool_use":
            self = .toolUse(
                ToolUse(
                    id: try reader.require(id, "id"), name: try reader.require(name, "name"),
                    arguments: arguments, malformedArguments: malformedArguments, data: data))
        case let other: throw JSONError(.invalidValue("unknown block type \"\(other)\""), offset: reader.position)
        }
    }
}

extension ProviderData: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("format", format.rawValue)
            writer.member("model", model)
            writer.member("json", json)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var format: WireFormat?
        var model = ""
        var json: RawJSON?
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "format": format = WireFormat(rawValue: try reader.readString())
            case "model": model = try reader.readString()
            case "json": json = try reader.readRaw()
            default: break
            }
        }
        self.init(
            format: try reader.require(format, "format"), model: model, json: try reader.require(json, "json"))
    }
}
