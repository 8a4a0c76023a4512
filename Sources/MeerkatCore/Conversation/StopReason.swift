public import MeerkatJSON

/// Why a model call ended.
public enum StopReason: String, Sendable, Hashable, CaseIterable {
    case endTurn = "end_turn"
    case toolUse = "tool_use"
    case maxTokens = "max_tokens"
    case stopSequence = "stop_sequence"
    case contentFilter = "content_filter"
    case cancelled
}

extension StopReason: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        let start = reader.position
        let text = try reader.readString()
        guard let reason = StopReason(rawValue: text) else {
            throw JSONError(.invalidValue("unknown stop reason \"\(text)\""), offset: start)
        }
        self = reason
    }

    public func write(to writer: inout JSONWriter) { writer.writeString(rawValue) }
}
