internal import MeerkatJSON

/// What one chunk of a stream, or a whole answer, says; its memory is used again for the next.
///
/// Only the first of several candidates counts.
struct GeminiChunk: Sendable {
    /// A part of the content.
    struct Part: Sendable {
        enum Kind: Sendable, Hashable {
            case text, thought, call
            /// A part that means nothing here, such as the result of a server tool.
            case other
        }

        /// A signature without anything else signs a text that is empty.
        var kind = Kind.text
        /// The place of its text in ``GeminiChunk/text``.
        var text = 0..<0
        var signature: String?
        var call: Call?
    }

    /// A function call, or a piece of one whose arguments are streamed.
    struct Call: Sendable {
        var id: String?
        var name = ""
        var arguments: RawJSON?
        var pieces: [JSONValue] = []
        var willContinue = false
    }

    private(set) var text: [UInt8] = []
    private(set) var parts: [Part] = []
    private(set) var finishReason: String?
    private(set) var finishMessage = ""
    private(set) var blockReason: String?
    private(set) var inputTokens: UInt64?
    private(set) var candidateTokens: UInt64?
    private(set) var thoughtTokens: UInt64?
    private(set) var cachedTokens: UInt64?
    /// Kept from chunk to chunk.
    private(set) var responseID: String?
    private(set) var hasCandidate = false
    private(set) var isError = false

    var hasOtherParts: Bool { parts.contains { $0.kind == .other } }

    mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        reset()
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "candidates":
                try reader.readArrayIfAny { (reader) throws(JSONError) in
                    guard !hasCandidate else { return }
                    hasCandidate = true
                    try readCandidate(&reader)
                }
            case "usageMetadata": try readUsage(&reader)
            case "promptFeedback":
                try reader.readMember("blockReason") { (reader) throws(JSONError) in
                    blockReason = try reader.readText().flatMap(Self.specified)
                }
            case "responseId": if responseID == nil { responseID = try reader.readText() }
            case "error": if try !reader.readNull() { isError = true }
            default: break
            }
        }
    }

    private mutating func reset() {
        text.removeAll(keepingCapacity: true)
        parts.removeAll(keepingCapacity: true)
        (finishReason, finishMessage, blockReason) = (nil, "", nil)
        (inputTokens, candidateTokens, thoughtTokens, cachedTokens) = (nil, nil, nil, nil)
        (hasCandidate, isError) = (false, false)
    }

    /// The default of the API's enumerations says nothing.
    private static func specified(_ value: String) -> String? {
        value.isEmpty || value.hasSuffix("_UNSPECIFIED") ? nil : value
    }

    private mutating func readCandidate(_ reader: inout JSONReader) throws(JSONError) {
        var isFirst = true
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "content":
                try reader.readMember("parts") { (reader) throws(JSONError) in
                    try reader.readArrayIfAny { (reader) throws(JSONError) in try readPart(&reader) }
                }
            case "finishReason": finishReason = try reader.readText().flatMap(Self.specified)
            case "finishMessage": finishMessage = try reader.readText() ?? ""
            case "index": isFirst = try reader.readCount() ?? 0 == 0
            default: break
            }
        }
        guard !isFirst else { return }
        parts.removeAll(keepingCapacity: true)
        finishReason = nil
    }

    private mutating func readPart(_ reader: inout JSONReader) throws(JSONError) {
        var part = Part()
        var hasText = false
        var hasOther = false
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "text":
                let start = text.count
                try reader.readText(appendingTo: &text)
                part.text = start..<text.count
                hasText = true
            case "thought":
                if try reader.peek() == .boolean, try reader.readBool() { part.kind = .thought }
            case "thoughtSignature": part.signature = try reader.readText().flatMap { $0.isEmpty ? nil : $0 }
            case "functionCall":
                guard try reader.peek() == .object else { return }
                part.call = try Self.readCall(&reader)
            // These say something about what stands beside them.
            case "videoMetadata", "partMetadata", "mediaResolution": break
            default: if try !reader.readNull() { hasOther = true }
            }
        }
        if part.call != nil { part.kind = .call } else if hasOther, !hasText { part.kind = .other }
        parts.append(part)
    }

    private static func readCall(_ reader: inout JSONReader) throws(JSONError) -> Call {
        var call = Call()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "id": call.id = try reader.readText().flatMap { $0.isEmpty ? nil : $0 }
            case "name": call.name = try reader.readText() ?? ""
            case "args": if try !reader.readNull() { call.arguments = try reader.readRaw() }
            case "partialArgs":
                try reader.readArrayIfAny { (reader) throws(JSONError) in
                    call.pieces.append(try JSONValue(from: &reader))
                }
            case "willContinue": if try reader.peek() == .boolean { call.willContinue = try reader.readBool() }
            default: break
            }
        }
        return call
    }

    private mutating func readUsage(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "promptTokenCount": inputTokens = try reader.readCount()
            case "candidatesTokenCount": candidateTokens = try reader.readCount()
            case "thoughtsTokenCount": thoughtTokens = try reader.readCount()
            case "cachedContentTokenCount": cachedTokens = try reader.readCount()
            default: break
            }
        }
    }

    /// The parts of the first candidate as they were written.
    static func rawParts(_ reader: inout JSONReader) throws(JSONError) -> [RawJSON] {
        var parts: [RawJSON] = []
        var isFirst = true
        try reader.readMember("candidates") { (reader) throws(JSONError) in
            try reader.readArrayIfAny { (reader) throws(JSONError) in
                guard isFirst else { return }
                isFirst = false
                try reader.readMember("content") { (reader) throws(JSONError) in
                    try reader.readMember("parts") { (reader) throws(JSONError) in
                        try reader.readArrayIfAny { (reader) throws(JSONError) in parts.append(try reader.readRaw()) }
                    }
                }
            }
        }
        return parts
    }
}
