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
    private var finishReason: String?
    private var hasStarted = false
    private(set) var usage: Usage?
    private(set) var progress = StreamProgress.underway

    /// A decoder for the answer of `model`, named as it was asked for: reasoning is tagged with it.
    init(model: String, failure: ProviderFailure) {
        self.model = model
        self.failure = failure
    }

    // MARK: Chunks

    mutating func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError) {
        try readForeign(data) { (reader) throws(JSONError) in try chunk.read(&reader) }
        guard !isError, !chunk.isError else { throw try reported(data) }
        try takeChunk(&batch)
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try json.withBytes { (bytes) throws(ProviderError) in try decode(bytes, isError: false, into: &batch) }
        guard chunk.hasChoices else { throw ProviderFailure.malformed("it is no chat completion") }
        end()
    }

    mutating func end() { progress = .ended }

    private func reported(_ data: UnsafeRawBufferPointer) throws(ProviderError) -> ProviderError {
        let value = try readForeign(data) { (reader) throws(JSONError) in try JSONValue(from: &reader) }
        let choice = value["choices"]?.array?.first?["error"]
        return failure.error(
            ReportedError(value["error"].map { $0.isNull ? choice ?? value : value } ?? choice ?? value))
    }

    private mutating func takeChunk(_ batch: inout EventBatch) throws(ProviderError) {
        let hasContent = !chunk.text.isEmpty || !chunk.reasoning.isEmpty || !chunk.calls.isEmpty
        let isUsage = takeUsage()
        if hasContent || isUsage || chunk.finishReason != nil || chunk.hasRole && !hasStarted {
            batch.hasProgress = true
            hasStarted = true
        }
        // A chunk that has both was thought before it was said.
        add(chunk.reasoning, as: .reasoning, &batch)
        add(chunk.text, as: .text, &batch)
        addCalls(&batch)
        if let reason = chunk.finishReason, finishReason == nil { try finish(reason) }
        // Accounting on its own is the last thing that is sent.
        if isUsage, !chunk.hasChoices, progress == .answered { progress = .ended }
    }

    private mutating func takeUsage() -> Bool {
        guard chunk.inputTokens != nil || chunk.outputTokens != nil else { return false }
        usage = Usage(
            inputTokens: chunk.inputTokens ?? 0, outputTokens: chunk.outputTokens ?? 0,
            cacheReadTokens: chunk.cachedTokens)
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

    private mutating func addCalls(_ batch: inout EventBatch) {
        guard !chunk.calls.isEmpty else { return }
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
        guard progress != .underway, finishReason != nil || !parts.isEmpty else {
            throw ProviderError(.incomplete, "the provider's answer ended before it was complete", usage: usage)
        }
        closeReasoning(&batch)
        let toolUses = try calls.finished(wasCut: normalStopReason == .maxTokens)
        let blocks: [Block] = parts.compactMap { part in
            switch part.kind {
            case .text: .text(String(decoding: part.bytes, as: UTF8.self))
            case .reasoning: .reasoning(text: String(decoding: part.bytes, as: UTF8.self), data: reasoningData)
            case .call(let position): toolUses[position].map { .toolUse($0) }
            }
        }
        return ModelAnswer(blocks: blocks, stopReason: normalStopReason, usage: usage)
    }

    /// In which field the server had the reasoning and will want it back.
    private var reasoningData: ProviderData? {
        chunk.reasoningField.map { field in
            ProviderData(
                format: .chatCompletions, model: model,
                json: RawJSON(encoding: ["field": .string(field.rawValue)] as JSONValue))
        }
    }

    private var normalStopReason: StopReason {
        switch finishReason {
        case nil: calls.count > 0 ? .toolUse : .endTurn
        case "tool_calls", "function_call": .toolUse
        case "length", "max_tokens", "model_length": .maxTokens
        case "content_filter", "safety", "recitation": .contentFilter
        default: .endTurn
        }
    }
}
