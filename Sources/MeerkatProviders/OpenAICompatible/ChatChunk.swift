internal import MeerkatJSON

/// What one chunk of a stream, or a whole completion, says; its memory is used again for the next.
///
/// Only the first of several choices counts.
struct ChatChunk: Sendable {
    /// A piece of a tool call.
    struct Call: Sendable {
        var index: UInt64?
        var id = ""
        var name = ""
        /// The place of its arguments in ``ChatChunk/arguments``.
        var arguments = 0..<0
    }

    /// Where a server puts what the model thinks; when it uses two places at once, the first counts.
    enum ReasoningField: String, Sendable {
        case content = "reasoning_content"
        case plain = "reasoning"
        case thinking
    }

    private(set) var text: [UInt8] = []
    private(set) var reasoning: [UInt8] = []
    /// Kept from chunk to chunk.
    private(set) var reasoningField: ReasoningField?
    private(set) var calls: [Call] = []
    private(set) var arguments: [UInt8] = []
    private(set) var finishReason: String?
    private(set) var inputTokens: UInt64?
    private(set) var outputTokens: UInt64?
    private(set) var cachedTokens: UInt64?
    private(set) var hasRole = false
    private(set) var hasChoices = false
    private(set) var isError = false

    mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        reset()
        guard try reader.peek() == .object else { return try reader.skip() }
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "choices":
                try reader.readArrayIfAny { (reader) throws(JSONError) in try readChoice(&reader) }
            case "usage": try readUsage(&reader)
            case "x_groq": try reader.readMember("usage") { (reader) throws(JSONError) in try readUsage(&reader) }
            case "error": if try !reader.readNull() { isError = true }
            case "object": if try reader.peek() == .string { isError = try reader.readString(is: "error") || isError }
            default: break
            }
        }
    }

    private mutating func reset() {
        text.removeAll(keepingCapacity: true)
        reasoning.removeAll(keepingCapacity: true)
        calls.removeAll(keepingCapacity: true)
        arguments.removeAll(keepingCapacity: true)
        finishReason = nil
        (inputTokens, outputTokens, cachedTokens) = (nil, nil, nil)
        (hasRole, hasChoices, isError) = (false, false, false)
    }

    private mutating func readChoice(_ reader: inout JSONReader) throws(JSONError) {
        hasChoices = true
        var isFirst = true
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "index": isFirst = try reader.readCount() ?? 0 == 0
            case "delta", "message":
                guard isFirst else { return }
                try reader.readObjectIfAny { (reader, key) throws(JSONError) in try readDelta(key, &reader) }
            case "finish_reason":
                guard isFirst, let reason = try reader.readText(), !reason.isEmpty else { return }
                finishReason = reason
            case "usage": try readUsage(&reader)
            case "error": if try !reader.readNull() { isError = true }
            default: break
            }
        }
    }

    private mutating func readDelta(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) {
        switch key {
        case "content": try readContent(&reader)
        case "reasoning_content": try readReasoning(.content, &reader)
        case "reasoning": try readReasoning(.plain, &reader)
        case "thinking": try readReasoning(.thinking, &reader)
        case "refusal": try reader.readText(appendingTo: &text)
        case "tool_calls":
            try reader.readArrayIfAny { (reader) throws(JSONError) in try readCall(&reader) }
        // What tool calls were before they could be several.
        case "function_call":
            guard try reader.peek() == .object else { return }
            var call = Call()
            try readFunction(&call, &reader)
            calls.append(call)
        case "role": hasRole = true
        default: break
        }
    }

    /// Reads a text, or a list of parts: texts, `{"type":"text","text"}`, `{"type":"thinking","thinking":[…]}`.
    private mutating func readContent(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.peek() == .array else { return try reader.readText(appendingTo: &text) }
        try reader.readArray { (reader) throws(JSONError) in
            guard try reader.peek() == .object else { return try reader.readText(appendingTo: &text) }
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "text": try reader.readText(appendingTo: &text)
                case "thinking": try readThinkingParts(&reader)
                default: break
                }
            }
        }
    }

    private mutating func readThinkingParts(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.peek() == .array else { return try reader.readText(appendingTo: &reasoning) }
        try reader.readArray { (reader) throws(JSONError) in
            try reader.readMember("text") { (reader) throws(JSONError) in
                try reader.readText(appendingTo: &reasoning)
            }
        }
    }

    private mutating func readReasoning(_ field: ReasoningField, _ reader: inout JSONReader) throws(JSONError) {
        guard reasoningField == nil || reasoningField == field else { return }
        let before = reasoning.count
        try reader.readText(appendingTo: &reasoning)
        if reasoning.count > before { reasoningField = field }
    }

    private mutating func readCall(_ reader: inout JSONReader) throws(JSONError) {
        var call = Call()
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "index": call.index = try reader.readCount()
            case "id": call.id = try reader.readText() ?? ""
            case "function": try readFunction(&call, &reader)
            default: break
            }
        }
        calls.append(call)
    }

    private mutating func readFunction(_ call: inout Call, _ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "name": call.name = try reader.readText() ?? ""
            case "arguments":
                let start = arguments.count
                switch try reader.peek() {
                case .string: _ = try reader.readString(appendingTo: &arguments)
                // Some servers send the object itself.
                case .object: arguments += try reader.readRaw().bytes
                default: return
                }
                call.arguments = start..<arguments.count
            default: break
            }
        }
    }

    private mutating func readUsage(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "prompt_tokens": inputTokens = try reader.readCount()
            case "completion_tokens": outputTokens = try reader.readCount()
            case "prompt_cache_hit_tokens": cachedTokens = try reader.readCount() ?? cachedTokens
            case "prompt_tokens_details":
                try reader.readMember("cached_tokens") { (reader) throws(JSONError) in
                    cachedTokens = try reader.readCount() ?? cachedTokens
                }
            default: break
            }
        }
    }
}
