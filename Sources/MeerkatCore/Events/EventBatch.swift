internal import MeerkatJSON

/// Events that are handed over together, in order.
///
/// Streamed text lies in one shared buffer, so that a delta costs no allocation; ``events`` makes values of it for
/// those who want them.
public struct EventBatch: Sendable {
    /// Most text that one delta holds, in bytes.
    public static let maxDeltaBytes = 32 * 1024

    package enum Item: Sendable {
        case textDelta(Range<Int>)
        case reasoningDelta(Range<Int>)
        case event(Event)
    }

    /// UTF-8 that the items point into.
    package private(set) var text: [UInt8] = []
    package private(set) var items: [Item] = []
    /// Something arrived that shows the model at work, with or without an event.
    public var hasProgress = false

    public init() {}

    public init(_ event: Event) {
        items.append(.event(event))
    }

    public var isEmpty: Bool { items.isEmpty }
    /// Bytes of streamed text.
    public var textBytes: Int { text.count }

    public mutating func append(_ event: Event) {
        items.append(.event(event))
    }

    /// Appends what `write` appends to the buffer, which must be whole UTF-8 characters, as one or more deltas.
    package mutating func appendDelta<E: Error>(
        isReasoning: Bool, _ write: (inout [UInt8]) throws(E) -> Void
    ) throws(E) {
        var start = text.count
        try write(&text)
        while start < text.count {
            let end = cut(from: start)
            items.append(isReasoning ? .reasoningDelta(start..<end) : .textDelta(start..<end))
            start = end
        }
    }

    private func cut(from start: Int) -> Int {
        guard text.count - start > Self.maxDeltaBytes else { return text.count }
        var end = start + Self.maxDeltaBytes
        while text[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    /// Empties the batch and keeps its memory.
    package mutating func removeAll() {
        text.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        hasProgress = false
    }

    public var events: [Event] {
        items.map { item in
            switch item {
            case .textDelta(let range): .textDelta(TextDelta(delta: String(decoding: text[range], as: UTF8.self)))
            case .reasoningDelta(let range):
                .reasoningDelta(ReasoningDelta(delta: String(decoding: text[range], as: UTF8.self)))
            case .event(let event): event
            }
        }
    }
}
