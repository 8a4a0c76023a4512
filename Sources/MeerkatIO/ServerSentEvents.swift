/// Splits a body into server-sent events, however its bytes are cut.
///
/// An event that lies whole in the given bytes is handed over where it lies. Two points go beyond the standard: the
/// size of an event is bounded, and an event that the end of the body cuts off before its blank line counts.
///
/// Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
public struct ServerSentEvents: Sendable {
    /// The bytes of an event; they are valid only during the call that hands them over.
    public struct Event {
        /// The value of the `event` field, empty when there was none.
        public let name: UnsafeRawBufferPointer
        /// The values of the `data` fields, joined by line feeds.
        public let data: UnsafeRawBufferPointer

        public func isNamed(_ text: StaticString) -> Bool {
            name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }
    }

    /// An event or a line is longer than `limit` bytes.
    public struct TooLong: Error, Sendable, Hashable {
        public let limit: Int
    }

    private let maxEventBytes: Int
    /// The beginning of a line whose end has not come.
    private var line: [UInt8] = []
    private var name: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    private var endedWithReturn = false
    private var isAtStart = true

    public init(maxEventBytes: Int = 64 * 1024 * 1024) {
        self.maxEventBytes = maxEventBytes
    }

    /// Takes more of the body and hands over the events that it completes.
    ///
    /// When `body` answers false, the rest of the stream is not wanted and is lost.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer, _ body: (Event) -> Bool) throws(TooLong) {
        var position = 0
        // The data of the event in progress, as long as it is one line of `bytes` and was not copied.
        var inPlace: Range<Int>?
        while position < bytes.count {
            if endedWithReturn {
                endedWithReturn = false
                if bytes[position] == UInt8(ascii: "\n") {
                    position += 1
                    continue
                }
            }
            let end = Self.lineEnd(in: bytes, from: position)
            guard end < bytes.count else {
                try Self.keep(bytes[position...], in: &line, atMost: maxEventBytes)
                break
            }
            endedWithReturn = bytes[end] == UInt8(ascii: "\r")
            if line.isEmpty {
                guard try take(bytes, position..<end, inPlace: &inPlace, body) else { return }
            } else {
                try Self.keep(bytes[position..<end], in: &line, atMost: maxEventBytes)
                guard try takeKeptLine(body) else { return }
            }
            position = end + 1
        }
        if let inPlace { try Self.keep(bytes[inPlace], in: &data, atMost: maxEventBytes) }
    }

    /// The body has ended: hands over an event that is still open.
    public mutating func finish(_ body: (Event) -> Bool) throws(TooLong) {
        if !line.isEmpty { guard try takeKeptLine(body) else { return } }
        _ = dispatch(UnsafeRawBufferPointer(start: nil, count: 0), nil, body)
    }

    private mutating func takeKeptLine(_ body: (Event) -> Bool) throws(TooLong) -> Bool {
        var taken: [UInt8] = []
        swap(&taken, &line)
        defer {
            taken.removeAll(keepingCapacity: true)
            swap(&taken, &line)
        }
        return try taken.withBytes { (bytes) throws(TooLong) in
            var inPlace: Range<Int>?
            let isWelcome = try take(bytes, 0..<bytes.count, inPlace: &inPlace, body)
            if let inPlace { try Self.keep(bytes[inPlace], in: &data, atMost: maxEventBytes) }
            return isWelcome
        }
    }

    /// Takes one line without its end, and tells whether more is wanted.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, inPlace: inout Range<Int>?, _ body: (Event) -> Bool
    ) throws(TooLong) -> Bool {
        var range = range
        if isAtStart {
            isAtStart = false
            if bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) { range = range.dropFirst(3) }
        }
        guard !range.isEmpty else {
            defer { inPlace = nil }
            return dispatch(bytes, inPlace, body)
        }
        if Self.field("data", in: bytes, &range) {
            if hasData {
                if let held = inPlace {
                    try Self.keep(bytes[held], in: &data, atMost: maxEventBytes)
                    inPlace = nil
                }
                data.append(UInt8(ascii: "\n"))
                try Self.keep(bytes[range], in: &data, atMost: maxEventBytes)
            } else {
                hasData = true
                inPlace = range
            }
        } else if Self.field("event", in: bytes, &range) {
            name.removeAll(keepingCapacity: true)
            name.append(contentsOf: bytes[range])
        }
        return true
    }

    private mutating func dispatch(
        _ bytes: UnsafeRawBufferPointer, _ inPlace: Range<Int>?, _ body: (Event) -> Bool
    ) -> Bool {
        defer {
            name.removeAll(keepingCapacity: true)
            data.removeAll(keepingCapacity: true)
            hasData = false
        }
        guard hasData else { return true }
        return name.withBytes { name in
            guard let inPlace else { return data.withBytes { data in body(Event(name: name, data: data)) } }
            return body(Event(name: name, data: UnsafeRawBufferPointer(rebasing: bytes[inPlace])))
        }
    }

    /// Keeps a part of a line, or the data of an event, until the rest comes.
    private static func keep(
        _ bytes: Slice<UnsafeRawBufferPointer>, in target: inout [UInt8], atMost limit: Int
    ) throws(TooLong) {
        guard target.count + bytes.count <= limit else { throw TooLong(limit: limit) }
        target.append(contentsOf: bytes)
    }

    /// Tells whether the line in `range` holds the field, and narrows `range` to its value.
    private static func field(_ name: StaticString, in bytes: UnsafeRawBufferPointer, _ range: inout Range<Int>) -> Bool
    {
        let count = name.utf8CodeUnitCount
        guard range.count >= count else { return false }
        for index in 0..<count where bytes[range.lowerBound + index] != name.utf8Start[index] { return false }
        var start = range.lowerBound + count
        if start < range.upperBound {
            guard bytes[start] == UInt8(ascii: ":") else { return false }
            start += 1
            if start < range.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        }
        range = start..<range.upperBound
        return true
    }

    /// The first carriage return or line feed from `start` on, eight bytes at a time, or the end of `bytes`.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var at = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let feed = word ^ (ones &* 0x0A)
            let carriage = word ^ (ones &* 0x0D)
            // The lowest flagged byte is exact; a borrow can only flag bytes above a genuine one.
            let flags = (((feed &- ones) & ~feed) | ((carriage &- ones) & ~carriage)) & (ones &* 0x80)
            if flags != 0 { return at + flags.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n"), bytes[at] != UInt8(ascii: "\r") { at += 1 }
        return at
    }
}
