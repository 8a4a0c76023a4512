internal import MeerkatJSON

/// The members of an event that decide what becomes of it, read in one pass together with the text of a delta.
struct OpenAIOutline: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case textDelta, summaryDelta, reasoningDelta, argumentsDelta, argumentsDone
        /// A delta of a text with which the model refuses.
        case refusalDelta
        case itemAdded, itemDone
        case begun, completed, incomplete, failed, cancelled
        case error, other
    }

    var kind = Kind.other
    var outputIndex: UInt64?
    /// The part of the item that a delta belongs to.
    var part: UInt64?

    /// Reads an event; the text of a delta is appended to `text` and the id of its item to `itemID`.
    mutating func read(_ reader: inout JSONReader, text: inout [UInt8], itemID: inout [UInt8]) throws(JSONError) {
        guard try reader.peek() == .object else { return try reader.skip() }
        var hasType = false
        var hasError = false
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "type":
                hasType = true
                try readKind(&reader)
            case "delta", "arguments": try reader.readText(appendingTo: &text)
            case "item_id": try reader.readText(appendingTo: &itemID)
            case "output_index": outputIndex = try reader.readCount()
            case "summary_index", "content_index": part = try reader.readCount()
            case "error": hasError = try !reader.readNull()
            default: break
            }
        }
        // Some proxies send an error without saying that it is one; a tool that fails is another matter.
        if hasError, !hasType { kind = .error }
    }

    private mutating func readKind(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.peek() == .string else { return try reader.skip() }
        switch try reader.readKeyLikeString() {
        case "response.output_text.delta": kind = .textDelta
        case "response.function_call_arguments.delta": kind = .argumentsDelta
        case "response.reasoning_summary_text.delta": kind = .summaryDelta
        case "response.reasoning_text.delta": kind = .reasoningDelta
        case "response.refusal.delta": kind = .refusalDelta
        case "response.function_call_arguments.done": kind = .argumentsDone
        case "response.output_item.added": kind = .itemAdded
        case "response.output_item.done": kind = .itemDone
        case "response.created", "response.queued", "response.in_progress": kind = .begun
        case "response.completed", "response.done": kind = .completed
        case "response.incomplete": kind = .incomplete
        case "response.failed": kind = .failed
        case "response.cancelled": kind = .cancelled
        case "error": kind = .error
        default: break
        }
    }
}
