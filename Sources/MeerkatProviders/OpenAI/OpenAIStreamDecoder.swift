internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what the Responses API streams.
///
/// The last event repeats the whole response. It only fills holes: what was streamed is not taken from it again.
///
/// Source: <https://platform.openai.com/docs/api-reference/responses-streaming>
struct OpenAIStreamDecoder: StreamDecoder {
    private let model: String
    private let failure: ProviderFailure
    private var items = OpenAIOutputItems()
    /// The item that the last delta belonged to.
    private var current: Int?
    private var status: OpenAIOutline.Kind?
    private var incompleteReason: String?
    private(set) var usage: Usage?
    private(set) var progress = StreamProgress.underway
    /// The text of the delta at hand and the id of its item; their memory is used again.
    private var text: [UInt8] = []
    private var itemID: [UInt8] = []

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
        itemID.removeAll(keepingCapacity: true)
        var outline = OpenAIOutline()
        try readForeign(data) { (reader) throws(JSONError) in
            try outline.read(&reader, text: &text, itemID: &itemID)
        }
        guard !isError, outline.kind != .error else {
            throw failure.error(
                ReportedError(try readForeign(data) { (reader) throws(JSONError) in try reader.read() }))
        }
        try take(outline, data, &batch)
    }

    mutating func end() { progress = .ended }

    var blockCount: Int { items.count }

    private mutating func take(
        _ outline: OpenAIOutline, _ data: UnsafeRawBufferPointer, _ batch: inout EventBatch
    ) throws(ProviderError) {
        switch outline.kind {
        case .textDelta, .refusalDelta, .summaryDelta, .reasoningDelta: addText(outline, &batch)
        case .argumentsDelta: _ = items[move(to: .call, outline, &batch)].add(text, part: nil)
        case .argumentsDone: items[move(to: .call, outline, &batch)].setArguments(text)
        case .itemAdded, .itemDone:
            guard let item = try readItem(data, outline.outputIndex) else { return }
            if outline.kind == .itemAdded { open(item, &batch) } else { finish(item, &batch) }
        case .completed, .incomplete, .failed, .cancelled:
            var response = OpenAIResponse()
            try readForeign(data) { (reader) throws(JSONError) in
                try reader.readMember("response") { (reader) throws(JSONError) in try response.read(&reader) }
            }
            try close(response, outline.kind, &batch)
        case .begun: break
        // Servers keep connections alive with events; those of tools that they run themselves name an item.
        case .error, .other: guard outline.outputIndex != nil || !itemID.isEmpty else { return }
        }
        batch.hasProgress = true
    }

    // MARK: Items

    private mutating func addText(_ outline: OpenAIOutline, _ batch: inout EventBatch) {
        let isReasoning = outline.kind == .summaryDelta || outline.kind == .reasoningDelta
        let source: OpenAIOutputItem.Source? =
            isReasoning ? (outline.kind == .summaryDelta ? .summary : .content) : nil
        let position = move(to: isReasoning ? .reasoning : .message, outline, &batch)
        let shown = items[position].add(
            text, from: source, part: outline.part, isRefusal: outline.kind == .refusalDelta)
        if isReasoning { items.noteReasoning(at: position) }
        batch.appendDelta(isReasoning: isReasoning) { $0 += shown }
    }

    /// The position of the item that a delta belongs to; an item whose start was lost begins with it.
    private mutating func move(
        to kind: OpenAIOutputItem.Kind, _ outline: OpenAIOutline, _ batch: inout EventBatch
    ) -> Int {
        if let current, items[current].kind == kind, !itemID.isEmpty, items[current].id == itemID { return current }
        let found = items.position(of: kind, id: itemID, outputIndex: outline.outputIndex)
        let position =
            found ?? items.append(OpenAIOutputItem(kind: kind, outputIndex: outline.outputIndex, id: itemID))
        if position != current { closeReasoning(before: position, &batch) }
        current = position
        return position
    }

    private func readItem(
        _ data: UnsafeRawBufferPointer, _ outputIndex: UInt64?
    ) throws(ProviderError) -> OpenAIOutputItem? {
        var json: RawJSON?
        try readForeign(data) { (reader) throws(JSONError) in
            try reader.readMember("item") { (reader) throws(JSONError) in json = try reader.readRaw() }
        }
        return json.flatMap { OpenAIOutputItem($0, outputIndex: outputIndex) }
    }

    private mutating func open(_ item: OpenAIOutputItem, _ batch: inout EventBatch) {
        guard items.position(of: item.kind, id: item.id) == nil else { return }
        let position = items.append(item)
        closeReasoning(before: position, &batch)
        current = position
        update(position, from: item, isWhole: false, &batch)
    }

    private mutating func finish(_ item: OpenAIOutputItem, _ batch: inout EventBatch) {
        let position =
            items.position(of: item.kind, id: item.id, outputIndex: item.outputIndex) ?? items.append(item)
        update(position, from: item, isWhole: true, &batch)
    }

    private mutating func update(
        _ position: Int, from item: OpenAIOutputItem, isWhole: Bool, _ batch: inout EventBatch
    ) {
        let rest = items[position].update(from: item, isWhole: isWhole)
        batch.appendDelta(isReasoning: item.kind == .reasoning) { $0 += rest }
        if item.kind == .reasoning { items.noteReasoning(at: position) }
        if isWhole { closeReasoning(at: position, &batch) }
    }

    private mutating func closeReasoning(at position: Int, _ batch: inout EventBatch) {
        guard items[position].kind == .reasoning, !items[position].isClosed else { return }
        items[position].isClosed = true
        items.forgetReasoning(at: position)
        guard !items[position].content.isEmpty else { return }
        batch.append(
            .reasoningComplete(ReasoningComplete(content: String(decoding: items[position].content, as: UTF8.self))))
    }

    private mutating func closeReasoning(before end: Int, _ batch: inout EventBatch) {
        while let position = items.openReasoning.first, position < end { closeReasoning(at: position, &batch) }
    }

    // MARK: The response

    private mutating func close(
        _ response: OpenAIResponse, _ kind: OpenAIOutline.Kind, _ batch: inout EventBatch
    ) throws(ProviderError) {
        usage = response.usage ?? usage
        let end = Self.end(kind, status: response.status)
        if let error = response.error { throw failure.error(ReportedError(error)) }
        switch end {
        case .failed: throw ProviderError(.serverError, "the provider gave up on its answer")
        case .cancelled: throw ProviderError(.incomplete, "the provider broke its answer off")
        default: break
        }
        fill(from: response.output, &batch)
        closeReasoning(before: items.count, &batch)
        status = end
        incompleteReason = response.incompleteReason
        progress = .ended
    }

    /// How the response ended: some servers call each end completed and tell in its status what it was.
    private static func end(_ kind: OpenAIOutline.Kind, status: String?) -> OpenAIOutline.Kind {
        guard kind == .completed else { return kind }
        return switch status {
        case "incomplete": .incomplete
        case "failed": .failed
        case "cancelled": .cancelled
        default: .completed
        }
    }

    /// Takes from the whole response what was not streamed.
    private mutating func fill(from output: [RawJSON], _ batch: inout EventBatch) {
        let whole = output.enumerated().compactMap { OpenAIOutputItem($1, outputIndex: UInt64($0)) }
        for (item, position) in zip(whole, items.merge(whole)) {
            update(position, from: item, isWhole: true, &batch)
        }
        current = nil
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        var response = OpenAIResponse()
        try json.withBytes { (data) throws(ProviderError) in
            try readForeign(data) { (reader) throws(JSONError) in try response.read(&reader) }
        }
        guard response.isResponse || response.error != nil else {
            throw ProviderFailure.malformed("it is no response")
        }
        try close(response, .completed, &batch)
        batch.hasProgress = true
    }

    // MARK: The answer

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        guard progress != .underway, status != nil || !items.isEmpty else {
            throw ProviderError(.incomplete, "the provider's answer ended before it was complete", usage: usage)
        }
        closeReasoning(before: items.count, &batch)
        let ids = callIDs
        var blocks: [Block] = []
        for (position, item) in items.all.enumerated() {
            blocks += try item.finished(
                model: model, callID: ids[position],
                mayBeCut: status != .completed && position == items.count - 1)
        }
        return ModelAnswer(
            blocks: blocks, stopReason: stopReason(hasCalls: !blocks.toolUses.isEmpty), usage: usage)
    }

    /// The ids of the calls by position; made up where there is none or it was there before.
    private var callIDs: [String] {
        var known = Set(items.all.map { $0.kind == .call ? $0.callID : "" })
        var used: Set<String> = [""]
        var number = 0
        return items.all.map { item in
            guard item.kind == .call else { return "" }
            var id = item.callID
            while used.contains(id) {
                number += 1
                // Not the id that a later call was given by the server.
                id = known.contains("call_\(number)") ? "" : "call_\(number)"
            }
            known.insert(id)
            used.insert(id)
            return id
        }
    }

    private func stopReason(hasCalls: Bool) -> StopReason {
        if status == .incomplete {
            switch incompleteReason {
            case "max_output_tokens", "max_tokens": return .maxTokens
            case "content_filter": return .contentFilter
            default: break
            }
        }
        if hasCalls { return .toolUse }
        return items.all.contains { $0.hasRefusal } ? .contentFilter : .endTurn
    }
}
