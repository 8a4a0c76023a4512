internal import MeerkatCore
internal import MeerkatJSON

/// A history as the model is shown it, checked for what every provider demands.
struct ShownHistory {
    struct Result: JSONReadable {
        var id: String
        var content: String

        init(from reader: inout JSONReader) throws(JSONError) {
            var id: String?
            var content: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "id": id = try reader.readString()
                case "content": content = try reader.readString()
                default: break
                }
            }
            self.id = try reader.require(id, "id")
            self.content = try reader.require(content, "content")
        }
    }

    /// A prompt of the watching program.
    struct Prompt: JSONReadable {
        var label: String
        var seed: Int

        init(from reader: inout JSONReader) throws(JSONError) {
            var label: String?
            var seed: Int?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session": label = try reader.readString()
                case "seed": seed = try reader.readInteger()
                default: break
                }
            }
            self.label = try reader.require(label, "session")
            self.seed = try reader.require(seed, "seed")
        }
    }

    /// For each result, message and answer the hash of it and of everything before.
    private(set) var chain: [UInt64] = []
    /// The session as the watching program calls it.
    private(set) var label: String?
    /// What stands for the summarized part.
    private(set) var summary: String?
    /// The results that came last.
    private(set) var lastResults: [Result] = []
    /// The prompt that has no answer yet.
    private(set) var openPrompt: Prompt?
    /// The calls of the last answer.
    private(set) var lastCalls: [ToolUse] = []
    /// What no provider would take.
    private(set) var faults: [String] = []

    private var ids: Set<String> = []
    private var isAfterInput = false

    /// Reads a body made by ``write(_:to:)``.
    init(_ history: RenderedHistory) throws(JSONError) {
        var bytes = [UInt8(ascii: "[")]
        bytes.append(contentsOf: history.chunks.joined(separator: [UInt8(ascii: ",")]))
        bytes.append(UInt8(ascii: "]"))
        self.init()
        try JSONReader.read(bytes) { (reader) throws(JSONError) in
            try reader.readArray { (reader) throws(JSONError) in try take(&reader) }
        }
        if !isAfterInput { faults.append("the history does not end with input") }
    }

    private init() {}

    /// Writes a group as `{"results":[…],"messages":[…]}` or `{"answer":[…]}`.
    static func write(_ group: MessageGroup, to writer: inout JSONWriter) {
        writer.writeObject { writer in
            switch group {
            case .input(let results, let messages):
                writer.member("results") { writer in
                    writer.writeArray { writer in
                        for result in results {
                            writer.element { writer in
                                writer.writeObject { writer in
                                    writer.member("id", result.toolUseID)
                                    writer.member("content", result.content.joinedText)
                                }
                            }
                        }
                    }
                }
                writer.member("messages", messages.map(\.joinedText))
            case .answer(let blocks):
                writer.member("answer", blocks)
            }
        }
    }

    private mutating func take(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "results":
                beginInput()
                try reader.readArray { (reader) throws(JSONError) in try takeResult(try reader.readRaw()) }
                endResults()
            case "messages":
                try reader.readArray { (reader) throws(JSONError) in try takeMessage(try reader.readRaw()) }
            default:
                try takeAnswer(try reader.readRaw())
            }
        }
    }

    private mutating func beginInput() {
        if isAfterInput { faults.append("input follows input") }
        isAfterInput = true
        lastResults = []
        openPrompt = nil
    }

    private mutating func takeResult(_ raw: RawJSON) throws(JSONError) {
        let result = try Result(json: raw.bytes)
        if result.content.isEmpty { faults.append("the result of \(result.id) is empty") }
        lastResults.append(result)
        link("r", raw)
    }

    private mutating func endResults() {
        let (calls, results) = (lastCalls.map(\.id), lastResults.map(\.id))
        if calls != results { faults.append("the calls \(calls) have the results \(results)") }
    }

    private mutating func takeMessage(_ raw: RawJSON) throws(JSONError) {
        let text = try String(json: raw.bytes)
        if chain.isEmpty, text.hasPrefix("[The earlier part") { summary = text }
        if text.isEmpty { faults.append("a message is empty") }
        if let prompt = try? Prompt(json: Array(text.utf8)) {  // a summary is no prompt
            openPrompt = prompt
            label = prompt.label
        }
        link("m", raw)
    }

    private mutating func takeAnswer(_ raw: RawJSON) throws(JSONError) {
        if !isAfterInput { faults.append("an answer does not follow input") }
        isAfterInput = false
        let blocks = try [Block](json: raw.bytes)
        if blocks.isEmpty { faults.append("an answer is empty") }
        lastCalls = blocks.toolUses
        for call in lastCalls where !ids.insert(call.id).inserted { faults.append("\(call.id) stands there twice") }
        link("a", raw)
    }

    private mutating func link(_ kind: StaticString, _ raw: RawJSON) {
        chain.append(([kind.utf8Start.pointee] + raw.bytes).chained(to: chain.last ?? 0))
    }
}

extension Sequence<UInt8> {
    /// The hash of the bytes and of those before, whose hash is `start`.
    func chained(to start: UInt64) -> UInt64 {
        reduce(start ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
