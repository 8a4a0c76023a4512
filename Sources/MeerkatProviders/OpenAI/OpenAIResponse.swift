internal import MeerkatCore
internal import MeerkatJSON

/// A response as it stands in the last event of a stream, or as a whole body.
struct OpenAIResponse: Sendable {
    private(set) var isResponse = false
    private(set) var status: String?
    private(set) var incompleteReason: String?
    private(set) var error: JSONValue?
    private(set) var output: [RawJSON] = []
    private(set) var usage: Usage?

    mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "object":
                if try reader.peek() == .string, try reader.readString(is: "response") { isResponse = true }
            case "status": status = try reader.readText()
            case "incomplete_details":
                try reader.readMember("reason") { (reader) throws(JSONError) in
                    incompleteReason = try reader.readText()
                }
            case "error": error = try reader.readOptional()
            case "output":
                if try reader.peek() == .array { isResponse = true }
                try reader.readArrayIfAny { (reader) throws(JSONError) in output.append(try reader.readRaw()) }
            case "usage": try readUsage(&reader)
            default: break
            }
        }
    }

    private mutating func readUsage(_ reader: inout JSONReader) throws(JSONError) {
        var input: UInt64?
        var output: UInt64?
        var cached: UInt64?
        var written: UInt64?
        var reasoning: UInt64?
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "input_tokens": input = try reader.readCount()
            case "output_tokens": output = try reader.readCount()
            case "input_tokens_details":
                try reader.readObjectIfAny { (reader, key) throws(JSONError) in
                    switch key {
                    case "cached_tokens": cached = try reader.readCount()
                    case "cache_write_tokens": written = try reader.readCount()
                    default: break
                    }
                }
            case "output_tokens_details":
                try reader.readMember("reasoning_tokens") { (reader) throws(JSONError) in
                    reasoning = try reader.readCount()
                }
            default: break
            }
        }
        guard input != nil || output != nil else { return }
        usage = Usage(
            inputTokens: input ?? 0, outputTokens: output ?? 0, cacheCreationTokens: written,
            cacheReadTokens: cached, reasoningTokens: reasoning)
    }
}
