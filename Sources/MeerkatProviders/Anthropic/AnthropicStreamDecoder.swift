internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what the Messages API streams.
///
/// Source: <https://docs.anthropic.com/en/api/messages-streaming>
struct AnthropicStreamDecoder: StreamDecoder {
    private let model: String
    private let failure: ProviderFailure
    private var blocks: [AnthropicBlock] = []
    /// The last block of each index.
    private var positions: [UInt64: Int] = [:]
    private var hasStarted = false
    private var stopReason: String?
    private(set) var usage: Usage?
    private(set) var progress = StreamProgress.underway
    /// The text of the delta at hand; its memory is used again.
    private var text: [UInt8] = []

    /// A decoder for the answer of `model`, named as it was asked for: reasoning is tagged with it.
    init(model: String, failure: ProviderFailure) {
        self.model = model
        self.failure = failure
    }

    // MARK: Events

    mutating func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError) {
        text.removeAll(keepingCapacity: true)
        var outline = AnthropicOutline()
        try readForeign(data) { (reader) throws(JSONError) in try outline.read(&reader, text: &text) }
        guard !isError, outline.kind != .error else {
            throw failure.error(
                ReportedError(try readForeign(data) { (reader) throws(JSONError) in try reader.read() }))
        }
        try take(outline, data, &batch)
    }

    mutating func end() { progress = .ended }

    var blockCount: Int { blocks.count }

    private mutating func take(
        _ outline: AnthropicOutline, _ data: UnsafeRawBufferPointer, _ batch: inout EventBatch
    ) throws(ProviderError) {
        switch outline.kind {
        case .messageStart:
            guard !hasStarted else { throw ProviderFailure.malformed("a second message begins inside the first") }
            hasStarted = true
            try readForeign(data) { (reader) throws(JSONError) in
                try reader.readMember("message") { (reader) throws(JSONError) in
                    try reader.readMember("usage") { (reader) throws(JSONError) in try readUsage(&reader) }
                }
            }
        case .blockStart: try open(outline, data, &batch)
        case .blockDelta: try add(outline, data, &batch)
        case .blockStop:
            guard let position = position(of: outline.index) else { return }
            close(position, &batch)
        case .messageDelta: try readMessageDelta(data)
        case .messageStop: end()
        case .error, .other: return
        }
        batch.hasProgress = true
    }

    private func position(of index: UInt64?) -> Int? {
        guard let index else { return blocks.indices.last }
        if let last = blocks.indices.last, blocks[last].index == index { return last }
        return positions[index]
    }

    // MARK: Blocks

    private mutating func open(
        _ outline: AnthropicOutline, _ data: UnsafeRawBufferPointer, _ batch: inout EventBatch
    ) throws(ProviderError) {
        let index = outline.index ?? UInt64(blocks.count)
        var block: AnthropicBlock?
        try readForeign(data) { (reader) throws(JSONError) in
            try reader.readMember("content_block") { (reader) throws(JSONError) in
                block = try AnthropicBlock(index: index, from: &reader)
            }
        }
        guard let block else { throw ProviderFailure.malformed("a content block has no content") }
        if block.kind == .text || block.kind == .thinking {
            batch.appendDelta(isReasoning: block.kind == .thinking) { $0 += block.content }
        }
        append(block)
    }

    private mutating func append(_ block: AnthropicBlock) {
        positions[block.index] = blocks.count
        blocks.append(block)
    }

    private mutating func add(
        _ outline: AnthropicOutline, _ data: UnsafeRawBufferPointer, _ batch: inout EventBatch
    ) throws(ProviderError) {
        let found = position(of: outline.index) ?? adopt(outline)
        guard let position = found else { throw ProviderFailure.malformed("a delta belongs to no content block") }
        switch (outline.delta, blocks[position].kind) {
        case (.text, .text), (.thinking, .thinking):
            blocks[position].content += text
            batch.appendDelta(isReasoning: outline.delta == .thinking) { $0 += text }
        case (.input, .toolUse), (.input, .other):
            blocks[position].content += text
        case (.signature, .thinking):
            blocks[position].signature = String(decoding: text, as: UTF8.self)
        case (_, .other):
            try readForeign(data) { (reader) throws(JSONError) in
                try reader.readMember("delta") { (reader) throws(JSONError) in try blocks[position].add(&reader) }
            }
        case (.text, _), (.thinking, _), (.input, _):
            throw ProviderFailure.malformed("a delta does not fit its content block")
        case (.signature, _), (.other, _):
            break
        }
    }

    /// Opens a block for a delta whose start was lost, if its kind says enough.
    private mutating func adopt(_ outline: AnthropicOutline) -> Int? {
        let kind: AnthropicBlock.Kind
        switch outline.delta {
        case .text: kind = .text
        case .thinking: kind = .thinking
        case .signature, .input, .other: return nil
        }
        append(AnthropicBlock(index: outline.index ?? 0, kind: kind))
        return blocks.count - 1
    }

    private mutating func close(_ position: Int, _ batch: inout EventBatch) {
        guard !blocks[position].isClosed else { return }
        blocks[position].isClosed = true
        guard blocks[position].kind == .thinking, !blocks[position].content.isEmpty else { return }
        batch.append(
            .reasoningComplete(ReasoningComplete(content: String(decoding: blocks[position].content, as: UTF8.self))))
    }

    // MARK: The message

    private mutating func readMessageDelta(_ data: UnsafeRawBufferPointer) throws(ProviderError) {
        try readForeign(data) { (reader) throws(JSONError) in
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "delta":
                    try reader.readMember("stop_reason") { (reader) throws(JSONError) in
                        if let reason = try reader.readText() { stopReason = reason }
                    }
                case "usage": try readUsage(&reader)
                default: break
                }
            }
        }
        if stopReason != nil { progress = .answered }
    }

    /// Numbers that are there replace earlier ones; those that are null or missing do not.
    private mutating func readUsage(_ reader: inout JSONReader) throws(JSONError) {
        var usage = self.usage ?? Usage()
        var hasCounts = false
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens": break
            default: return
            }
            guard let count = try reader.readCount() else { return }
            hasCounts = true
            switch key {
            case "input_tokens": usage.inputTokens = count
            case "output_tokens": usage.outputTokens = count
            case "cache_creation_input_tokens": usage.cacheCreationTokens = count
            default: usage.cacheReadTokens = count
            }
        }
        if hasCounts { self.usage = usage }
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        let value = try json.withBytes { (bytes) throws(ProviderError) in
            try readForeign(bytes) { (reader) throws(JSONError) in try JSONValue(from: &reader) }
        }
        if value["type"]?.string == "error" || !(value["error"]?.isNull ?? true) {
            throw failure.error(ReportedError(value))
        }
        guard value["content"]?.array != nil else { throw ProviderFailure.malformed("it is no message") }
        try json.withBytes { (bytes) throws(ProviderError) in
            try readForeign(bytes) { (reader) throws(JSONError) in
                try reader.readObject { (reader, key) throws(JSONError) in
                    switch key {
                    case "content":
                        try reader.readArray { (reader) throws(JSONError) in
                            blocks.append(try AnthropicBlock(index: UInt64(blocks.count), from: &reader))
                        }
                    case "stop_reason": stopReason = try reader.readText()
                    case "usage": try readUsage(&reader)
                    default: break
                    }
                }
            }
        }
        hasStarted = true
        for position in blocks.indices {
            if blocks[position].kind == .text || blocks[position].kind == .thinking {
                batch.appendDelta(isReasoning: blocks[position].kind == .thinking) { $0 += blocks[position].content }
            }
            close(position, &batch)
        }
        batch.hasProgress = true
        progress = .ended
    }

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        guard progress != .underway, hasStarted || !blocks.isEmpty else {
            throw ProviderError(.incomplete, "the provider's answer ended before it was complete", usage: usage)
        }
        for position in blocks.indices where blocks[position].kind == .thinking { close(position, &batch) }
        var finished: [Block] = []
        for block in blocks {
            if let block = try block.finished(model: model) { finished.append(block) }
        }
        return ModelAnswer(
            blocks: finished, stopReason: normalStopReason(hasTools: !finished.toolUses.isEmpty), usage: usage,
            isPaused: stopReason == "pause_turn" || stopReason == "compaction")
    }

    private func normalStopReason(hasTools: Bool) -> StopReason {
        switch stopReason {
        case nil: hasTools ? .toolUse : .endTurn
        case "tool_use": .toolUse
        case "max_tokens", "model_context_window_exceeded": .maxTokens
        case "stop_sequence": .stopSequence
        case "refusal", "content_filter": .contentFilter
        default: .endTurn
        }
    }
}
