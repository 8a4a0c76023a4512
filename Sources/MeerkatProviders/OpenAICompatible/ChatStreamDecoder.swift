internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what Chat Completions servers stream.
///
/// Source: <https://platform.openai.com/docs/api-reference/chat-streaming>
struct ChatStreamDecoder: StreamDecoder {
    /// A block, in the order in which they began.
    private struct Part: Sendable {
        enum Kind: Sendable, Hashable {
            case text, reasoning
            /// A position in ``ChatToolCalls``.
            case call(Int)
        }

        var kind: Kind
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private let model: String
    private let failure: ProviderFailure
    private var chunk = ChatChunk()
    private var parts: [Part] = []
    private var calls = ChatToolCalls()
    /// Nil when nothing is looked for in the text any more.
    private var thinkTags: ChatThinkTags?
    private var textCalls: ChatTextCalls?
    private var hasThinkTags = false
    private var isRefusal = false
    private var finishReason: String?
    private var cost: USDollars?
    private var hasStarted = false
    private(set) var usage: Usage?
    private(set) var progress = StreamProgress.underway

    /// Reads the answer of a model.
    ///
    /// - Parameters:
    ///   - model: Its name as it was asked for: reasoning is tagged with it.
    ///   - tools: The names of the tools that it may call.
    ///   - dialect: What is special about the server.
    ///   - failure: Words for what goes wrong.
    init(model: String, tools: [String] = [], dialect: ChatDialect = ChatDialect(), failure: ProviderFailure) {
        self.model = model
        self.failure = failure
        if dialect.findsThinkTags { thinkTags = ChatThinkTags() }
        if dialect.findsCallsInText, !tools.isEmpty { textCalls = ChatTextCalls(names: Set(tools)) }
    }

    // MARK: Chunks

    mutating func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError) {
        try readForeign(data) { (reader) throws(JSONError) in try chunk.read(&reader) }
        guard !isError, !chunk.isError else {
            // What the server says last of an answer counts: it takes back the end that it had announced.
            progress = .underway
            throw try reported(data)
        }
        try takeChunk(&batch)
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try json.withBytes { (bytes) throws(ProviderError) in try decode(bytes, isError: false, into: &batch) }
        guard chunk.hasChoices else { throw ProviderFailure.malformed("it is no chat completion") }
        end()
    }

    mutating func end() { progress = .ended }

    var blockCount: Int { parts.count }

    private func reported(_ data: UnsafeRawBufferPointer) throws(ProviderError) -> ProviderError {
        let value = try readForeign(data) { (reader) throws(JSONError) in try JSONValue(from: &reader) }
        let nested = value["choices"]?.array?.first?["error"] ?? value["x_groq"]?["error"]
        return failure.error(
            ReportedError(value["error"].map { $0.isNull ? nested ?? value : value } ?? nested ?? value))
    }

    private mutating func takeChunk(_ batch: inout EventBatch) throws(ProviderError) {
        let hasContent = !chunk.text.isEmpty || !chunk.reasoning.isEmpty || !chunk.calls.isEmpty
        if takeUsage() || hasContent || chunk.finishReason != nil || chunk.hasRole && !hasStarted {
            batch.hasProgress = true
            hasStarted = true
        }
        // A chunk that has both was thought before it was said.
        if !chunk.reasoning.isEmpty {
            flushText(&batch)
            add(chunk.reasoning, as: .reasoning, &batch)
        }
        addText(&batch)
        addCalls(&batch)
        if let reason = chunk.finishReason, finishReason == nil { try finish(reason) }
    }

    private mutating func takeUsage() -> Bool {
        cost = chunk.cost ?? cost
        guard chunk.inputTokens != nil || chunk.outputTokens != nil else { return false }
        usage = Usage(
            inputTokens: chunk.inputTokens ?? 0, outputTokens: chunk.outputTokens ?? 0,
            cacheCreationTokens: chunk.cacheWriteTokens, cacheReadTokens: chunk.cachedTokens,
            reasoningTokens: chunk.reasoningTokens)
        return true
    }

    private mutating func finish(_ reason: String) throws(ProviderError) {
        switch reason {
        case "error": throw ProviderError(.serverError, "the provider gave up on its answer")
        case "insufficient_system_resource": throw ProviderError(.overloaded, "the provider ran out of resources")
        case "abort", "cancelled": throw ProviderError(.incomplete, "the provider broke its answer off")
        default: break
        }
        finishReason = reason
        progress = .answered
    }

    // MARK: Parts

    private mutating func add(_ bytes: [UInt8], as kind: Part.Kind, _ batch: inout EventBatch) {
        guard !bytes.isEmpty else { return }
        if kind != .reasoning { closeReasoning(&batch) }
        batch.appendDelta(isReasoning: kind == .reasoning) { $0 += bytes }
        if parts.last?.kind != kind || parts.last?.isClosed == true { parts.append(Part(kind: kind)) }
        parts[parts.count - 1].bytes += bytes
    }

    private mutating func addText(_ batch: inout EventBatch) {
        guard !chunk.text.isEmpty else { return }
        if chunk.isRefusal { isRefusal = true }
        guard let split = thinkTags?.take(chunk.text) else { return addSaid(chunk.text, &batch) }
        add(split, &batch)
    }

    /// Adds what was held back because it might have become a tag or a call.
    private mutating func flushText(_ batch: inout EventBatch) {
        if let split = thinkTags?.flush() { add(split, &batch) }
        if let pieces = textCalls?.flush() { add(pieces, &batch) }
    }

    private mutating func add(_ split: ChatThinkTags.Split, _ batch: inout EventBatch) {
        if let tags = thinkTags {
            hasThinkTags = tags.hasBegun
            if tags.isOver { thinkTags = nil }
        }
        add(split.reasoning, as: .reasoning, &batch)
        addSaid(split.text, &batch)
    }

    private mutating func addSaid(_ text: [UInt8], _ batch: inout EventBatch) {
        guard let pieces = textCalls?.take(text) else { return add(text, as: .text, &batch) }
        add(pieces, &batch)
    }

    private mutating func add(_ pieces: [ChatTextCalls.Piece], _ batch: inout EventBatch) {
        for piece in pieces {
            switch piece {
            case .text(let text): add(text, as: .text, &batch)
            case .call(let name, let arguments):
                closeReasoning(&batch)
                if calls.add(ChatChunk.Call(name: name), arguments: arguments[...]) {
                    parts.append(Part(kind: .call(calls.count - 1)))
                }
            }
        }
    }

    private mutating func addCalls(_ batch: inout EventBatch) {
        guard !chunk.calls.isEmpty else { return }
        flushText(&batch)
        closeReasoning(&batch)
        for call in chunk.calls where calls.add(call, arguments: chunk.arguments[call.arguments]) {
            parts.append(Part(kind: .call(calls.count - 1)))
        }
    }

    private mutating func closeReasoning(_ batch: inout EventBatch) {
        guard let last = parts.last, last.kind == .reasoning, !last.isClosed else { return }
        parts[parts.count - 1].isClosed = true
        batch.append(.reasoningComplete(ReasoningComplete(content: String(decoding: last.bytes, as: UTF8.self))))
    }

    // MARK: The answer

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        if progress != .underway { flushText(&batch) }
        guard progress != .underway, finishReason != nil || !parts.isEmpty else {
            throw ProviderError(.incomplete, "the provider's answer ended before it was complete", usage: usage)
        }
        closeReasoning(&batch)
        let toolUses = try calls.finished(wasCut: stopReason(hasCalls: true) == .maxTokens)
        let blocks: [Block] = parts.compactMap { part in
            switch part.kind {
            case .text: .text(String(decoding: part.bytes, as: UTF8.self))
            case .reasoning: .reasoning(text: String(decoding: part.bytes, as: UTF8.self), data: reasoningData)
            case .call(let position): toolUses[position].map { .toolUse($0) }
            }
        }
        let hasCalls = toolUses.contains { $0 != nil }
        return ModelAnswer(blocks: blocks, stopReason: stopReason(hasCalls: hasCalls), usage: usage, cost: cost)
    }

    /// Where the server had the reasoning and will want it back.
    private var reasoningData: ProviderData? {
        let field = chunk.reasoningField?.rawValue ?? (hasThinkTags ? ChatReasoning.tags : nil)
        return field.map { ChatReasoning.data(field: $0, model: model) }
    }

    /// Many servers give no reason of its own for an answer with tool calls or for a refusal.
    private func stopReason(hasCalls: Bool) -> StopReason {
        switch finishReason {
        case "tool_calls", "function_call", "tool": .toolUse
        case "length", "max_tokens", "model_length": .maxTokens
        case "content_filter", "safety", "recitation": .contentFilter
        default: hasCalls ? .toolUse : isRefusal ? .contentFilter : .endTurn
        }
    }
}
