internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what `streamGenerateContent` streams.
///
/// A stream has no end mark: the finish reason is the last thing that counts, although text may still come with or behind
/// it.
///
/// Source: <https://ai.google.dev/api/generate-content#generatecontentresponse>
struct GeminiStreamDecoder: StreamDecoder {
    /// A block, in the order in which they began.
    private struct Part: Sendable {
        enum Kind: Sendable, Hashable {
            case text, reasoning
            /// A position in ``GeminiStreamDecoder/calls``.
            case call(Int)
            case other(RawJSON)
        }

        var kind: Kind
        var bytes: [UInt8] = []
        var signature: String?
        var isClosed = false
    }

    private let model: String
    private let failure: ProviderFailure
    private var chunk = GeminiChunk()
    private var parts: [Part] = []
    private var calls = GeminiCalls()
    /// The part of the last call.
    private var lastCall: Int?
    private var stopReason: StopReason?
    private(set) var usage: Usage?
    private(set) var progress = StreamProgress.underway

    /// A decoder for the answer of `model`, named as it was asked for: signatures are tagged with it.
    init(model: String, failure: ProviderFailure) {
        self.model = model
        self.failure = failure
    }

    // MARK: Chunks

    mutating func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError) {
        guard data.first(where: { $0 > 0x20 }) != UInt8(ascii: "[") else {
            return try decodeList(data, isError: isError, into: &batch)
        }
        try readForeign(data) { (reader) throws(JSONError) in try chunk.read(&reader) }
        guard !isError, !chunk.isError else {
            throw failure.error(
                ReportedError(try readForeign(data) { (reader) throws(JSONError) in try JSONValue(from: &reader) }))
        }
        try takeChunk(data, &batch)
    }

    /// Takes a list of chunks, as the API sends them where it does not stream events.
    private mutating func decodeList(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError) {
        var chunks: [RawJSON] = []
        try readForeign(data) { (reader) throws(JSONError) in
            try reader.readArray { (reader) throws(JSONError) in
                if try reader.peek() == .object { chunks.append(try reader.readRaw()) }
            }
        }
        for chunk in chunks {
            try chunk.bytes.withBytes { (bytes) throws(ProviderError) in
                try decode(bytes, isError: isError, into: &batch)
            }
        }
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try json.withBytes { (bytes) throws(ProviderError) in try decode(bytes, isError: false, into: &batch) }
        guard stopReason != nil || !parts.isEmpty else { throw ProviderFailure.malformed("it is no generated content") }
        end()
    }

    mutating func end() { progress = .ended }

    var blockCount: Int { parts.count }

    private mutating func takeChunk(_ data: UnsafeRawBufferPointer, _ batch: inout EventBatch) throws(ProviderError) {
        let hasUsage = takeUsage()
        if hasUsage || chunk.hasCandidate || chunk.blockReason != nil { batch.hasProgress = true }
        let raw =
            chunk.hasOtherParts
            ? try readForeign(data) { (reader) throws(JSONError) in try GeminiChunk.rawParts(&reader) } : []
        for (position, part) in chunk.parts.enumerated() {
            switch part.kind {
            case .text, .thought: add(part, &batch)
            case .call: try add(part.call, signature: part.signature, &batch)
            case .other:
                closeReasoning(&batch)
                parts.append(Part(kind: .other(raw[position])))
            }
        }
        if let reason = chunk.finishReason {
            try finish(reason)
        } else if chunk.blockReason != nil, !chunk.hasCandidate {
            // The model was not asked at all: a refusal is an answer.
            stopReason = .contentFilter
            progress = .answered
        }
    }

    /// The counts are those of the whole answer so far; the last ones hold.
    private mutating func takeUsage() -> Bool {
        guard chunk.inputTokens != nil || chunk.candidateTokens != nil || chunk.thoughtTokens != nil else {
            return false
        }
        let (output, overflow) = (chunk.candidateTokens ?? 0).addingReportingOverflow(chunk.thoughtTokens ?? 0)
        usage = Usage(
            inputTokens: chunk.inputTokens ?? 0, outputTokens: overflow ? .max : output,
            cacheReadTokens: chunk.cachedTokens, reasoningTokens: chunk.thoughtTokens)
        return true
    }

    private mutating func finish(_ reason: String) throws(ProviderError) {
        switch reason {
        case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE":
            let message = failure.clean(chunk.finishMessage)
            throw ProviderFailure.malformed(
                "the model ended with \(reason)" + (message.isEmpty ? "" : ": \(message)"))
        case "MAX_TOKENS": stopReason = .maxTokens
        case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
            "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
            stopReason = .contentFilter
        case "TOOL_CALL", "FUNCTION_CALL": stopReason = .toolUse
        // Also what the API says after function calls.
        default: stopReason = .endTurn
        }
        progress = max(progress, .answered)
    }

    // MARK: Parts

    /// Adds text to the block it continues: a signature ends a block, for it must not come to stand on other text.
    private mutating func add(_ part: GeminiChunk.Part, _ batch: inout EventBatch) {
        let kind: Part.Kind = part.kind == .thought ? .reasoning : .text
        guard !part.text.isEmpty || part.signature != nil else { return }
        if kind == .text { closeReasoning(&batch) }
        let last = parts.indices.last
        let continuesLast = last.map { parts[$0].kind == kind && !parts[$0].isClosed } ?? false
        // Signed text keeps the borders it came with; what a model thinks is signed as a whole.
        if !continuesLast || kind == .text && part.signature != nil { parts.append(Part(kind: kind)) }
        let position = parts.count - 1
        if !part.text.isEmpty {
            batch.appendDelta(isReasoning: kind == .reasoning) { $0 += chunk.text[part.text] }
            parts[position].bytes += chunk.text[part.text]
        }
        guard let signature = part.signature else { return }
        parts[position].signature = signature
        if kind == .reasoning { closeReasoning(&batch) }
        parts[position].isClosed = true
    }

    private mutating func add(
        _ piece: GeminiChunk.Call?, signature: String?, _ batch: inout EventBatch
    ) throws(ProviderError) {
        guard let piece else { return }
        closeReasoning(&batch)
        if let position = try calls.add(piece) {
            lastCall = parts.count
            parts.append(Part(kind: .call(position)))
        }
        if let signature, let lastCall, parts[lastCall].signature == nil { parts[lastCall].signature = signature }
    }

    private mutating func closeReasoning(_ batch: inout EventBatch) {
        guard let last = parts.last, last.kind == .reasoning, !last.isClosed else { return }
        parts[parts.count - 1].isClosed = true
        guard !last.bytes.isEmpty else { return }
        batch.append(.reasoningComplete(ReasoningComplete(content: String(decoding: last.bytes, as: UTF8.self))))
    }

    // MARK: The answer

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        guard progress != .underway, stopReason != nil || !parts.isEmpty else {
            throw ProviderError(.incomplete, "the provider's answer ended before it was complete", usage: usage)
        }
        closeReasoning(&batch)
        let toolUses = calls.finished(response: chunk.responseID, wasCut: stopReason == .maxTokens)
        return ModelAnswer(
            blocks: parts.flatMap { blocks(of: $0, toolUses) }, stopReason: stopReason ?? .endTurn, usage: usage)
    }

    private func blocks(of part: Part, _ toolUses: [ToolUse]) -> [Block] {
        let text = String(decoding: part.bytes, as: UTF8.self)
        switch part.kind {
        case .text:
            let blocks: [Block] = text.isEmpty ? [] : [.text(text)]
            guard let data = signature(of: part, on: text.isEmpty ? .emptyText : .text) else { return blocks }
            return blocks + [.reasoning(text: "", data: data)]
        case .reasoning: return [.reasoning(text: text, data: signature(of: part, on: .thought))]
        case .call(let position):
            var toolUse = toolUses[position]
            toolUse.data = signature(of: part, on: .call)
            return [.toolUse(toolUse)]
        case .other(let json): return [.opaque(data(json))]
        }
    }

    private func signature(of part: Part, on place: GeminiSignature.Place) -> ProviderData? {
        part.signature.map { data(GeminiSignature($0, on: place).json) }
    }

    private func data(_ json: RawJSON) -> ProviderData {
        ProviderData(format: .geminiGenerateContent, model: model, json: json)
    }
}
