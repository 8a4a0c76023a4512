internal import MeerkatCore
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
    private(set) var cacheWriteTokens: UInt64?
    private(set) var reasoningTokens: UInt64?
    /// What the server says that the call cost.
    private(set) var cost: USDollars?
    /// The text is, at least in part, a refusal.
    private(set) var isRefusal = false
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
            case "x_groq": try readGroq(&reader)
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
        (cacheWriteTokens, reasoningTokens, cost) = (nil, nil, nil)
        (hasRole, hasChoices, isError, isRefusal) = (false, false, false, false)
    }

    /// Reads what Groq says of a stream beside the chunks of OpenAI.
    private mutating func readGroq(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "usage": try readUsage(&reader)
            case "error": if try !reader.readNull() { isError = true }
            default: break
            }
        }
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
        case "refusal":
            let before = text.count
            try reader.readText(appendingTo: &text)
            if text.count > before { isRefusal = true }
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
        var charged: USDollars?
        var upstream: USDollars?
        var isOwnKey = false
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "prompt_tokens": inputTokens = try reader.readCount()
            case "completion_tokens": outputTokens = try reader.readCount()
            case "prompt_cache_hit_tokens", "cached_tokens": cachedTokens = try reader.readCount() ?? cachedTokens
            case "prompt_tokens_details": try readInputDetails(&reader)
            case "completion_tokens_details":
                try reader.readMember("reasoning_tokens") { (reader) throws(JSONError) in
                    reasoningTokens = try reader.readCount()
                }
            case "cost": charged = try reader.readDollars()
            case "cost_details":
                try reader.readMember("upstream_inference_cost") { (reader) throws(JSONError) in
                    upstream = try reader.readDollars()
                }
            case "is_byok": if try reader.peek() == .boolean { isOwnKey = try reader.readBool() }
            default: break
            }
        }
        // With a key of one's own at the vendor, OpenRouter charges its fee only.
        cost = (isOwnKey ? charged.flatMap { fee in upstream.map { fee + $0 } } : charged) ?? cost
    }

    private mutating func readInputDetails(_ reader: inout JSONReader) throws(JSONError) {
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "cached_tokens": cachedTokens = try reader.readCount() ?? cachedTokens
            case "cache_write_tokens": cacheWriteTokens = try reader.readCount() ?? cacheWriteTokens
            default: break
            }
        }
    }
}

extension JSONReader {
    /// Reads an amount of money; what is none is skipped.
    fileprivate mutating func readDollars() throws(JSONError) -> USDollars? {
        guard try peek() == .number else {
            try skip()
            return nil
        }
        let raw = try readRaw()
        // A negative or absurd number says nothing.
        return try? USDollars(json: raw.bytes)
    }
}
