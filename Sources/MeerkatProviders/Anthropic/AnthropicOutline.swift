internal import MeerkatJSON

/// The members of an event that decide what becomes of it, read in one pass together with the text of a delta.
struct AnthropicOutline: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case messageStart, blockStart, blockDelta, blockStop, messageDelta, messageStop, error, other
    }

    enum Delta: Sendable, Hashable {
        case text, thinking, signature, input, other
    }

    var kind = Kind.other
    var index: UInt64?
    var delta = Delta.other

    /// Reads an event; the text, thinking, signature or input of a delta is appended to `text`.
    mutating func read(_ reader: inout JSONReader, text: inout [UInt8]) throws(JSONError) {
        guard try reader.peek() == .object else { return try reader.skip() }
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "type": try readKind(&reader)
            case "index": index = try reader.readCount()
            case "delta":
                try reader.readObjectIfAny { (reader, key) throws(JSONError) in
                    try readDelta(key, &reader, text: &text)
                }
            // Some proxies send an error without saying that it is one.
            case "error": if try !reader.readNull() { kind = .error }
            default: break
            }
        }
    }

    private mutating func readKind(_ reader: inout JSONReader) throws(JSONError) {
        guard kind != .error, try reader.peek() == .string else { return try reader.skip() }
        switch try reader.readKeyLikeString() {
        case "content_block_delta": kind = .blockDelta
        case "content_block_start": kind = .blockStart
        case "content_block_stop": kind = .blockStop
        case "message_start": kind = .messageStart
        case "message_delta": kind = .messageDelta
        case "message_stop": kind = .messageStop
        case "error": kind = .error
        default: break
        }
    }

    private mutating func readDelta(
        _ key: JSONKey, _ reader: inout JSONReader, text: inout [UInt8]
    ) throws(JSONError) {
        switch key {
        case "type":
            guard try reader.peek() == .string else { return }
            switch try reader.readKeyLikeString() {
            case "text_delta": delta = .text
            case "thinking_delta": delta = .thinking
            case "signature_delta": delta = .signature
            case "input_json_delta": delta = .input
            default: break
            }
        case "text", "thinking", "signature", "partial_json": try reader.readText(appendingTo: &text)
        default: break
        }
    }
}
