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

    public enum Failure<E: Error>: Error {
        /// An event or a line is longer than `limit` bytes.
        case tooLong(limit: Int)
        /// The consumer refused an event; the ones behind it are lost.
        case consumer(E)
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
    public mutating func feed<E: Error>(
        _ bytes: UnsafeRawBufferPointer, _ body: (Event) throws(E) -> Void
    ) throws(Failure<E>) {
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
                try buffer(bytes[position...], E.self)
                break
            }
            endedWithReturn = bytes[end] == UInt8(ascii: "\r")
            if line.isEmpty {
                try take(bytes, position..<end, inPlace: &inPlace, body)
            } else {
                try buffer(bytes[position..<end], E.self)
                try takeBufferedLine(body)
            }
            position = end + 1
        }
        if let inPlace { try hold(bytes[inPlace], E.self) }
    }

    /// The body has ended: hands over an event that is still open.
    public mutating func finish<E: Error>(_ body: (Event) throws(E) -> Void) throws(Failure<E>) {
        if !line.isEmpty { try takeBufferedLine(body) }
        var inPlace: Range<Int>?
        try dispatch(UnsafeRawBufferPointer(start: nil, count: 0), inPlace: &inPlace, body)
    }

    private mutating func takeBufferedLine<E: Error>(_ body: (Event) throws(E) -> Void) throws(Failure<E>) {
        var taken: [UInt8] = []
        swap(&taken, &line)
        try taken.withBytes { (buffer) throws(Failure<E>) in
            var inPlace: Range<Int>?
            try take(buffer, 0..<buffer.count, inPlace: &inPlace, body)
            if let inPlace { try hold(buffer[inPlace], E.self) }
        }
        taken.removeAll(keepingCapacity: true)
        swap(&taken, &line)
    }

    /// Takes one line without its end.
    private mutating func take<E: Error>(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, inPlace: inout Range<Int>?,
        _ body: (Event) throws(E) -> Void
    ) throws(Failure<E>) {
        var range = range
        if isAtStart {
            isAtStart = false
            if bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) { range = range.dropFirst(3) }
        }
        guard !range.isEmpty else { return try dispatch(bytes, inPlace: &inPlace, body) }
        if Self.field("data", in: bytes, &range) {
            if hasData {
                if let held = inPlace {
                    try hold(bytes[held], E.self)
                    inPlace = nil
                }
                data.append(UInt8(ascii: "\n"))
                try hold(bytes[range], E.self)
            } else {
                hasData = true
                inPlace = range
            }
        } else if Self.field("event", in: bytes, &range) {
            name.removeAll(keepingCapacity: true)
            name.append(contentsOf: bytes[range])
        }
    }

    private mutating func dispatch<E: Error>(
        _ bytes: UnsafeRawBufferPointer, inPlace: inout Range<Int>?, _ body: (Event) throws(E) -> Void
    ) throws(Failure<E>) {
        defer {
            name.removeAll(keepingCapacity: true)
            data.removeAll(keepingCapacity: true)
            hasData = false
            inPlace = nil
        }
        guard hasData else { return }
        do throws(E) {
            try name.withBytes { (name) throws(E) -> Void in
                guard let inPlace else {
                    return try data.withBytes { (data) throws(E) -> Void in try body(Event(name: name, data: data)) }
                }
                try body(Event(name: name, data: UnsafeRawBufferPointer(rebasing: bytes[inPlace])))
            }
        } catch {
            throw .consumer(error)
        }
    }

    /// Keeps a part of a line until the rest comes.
    private mutating func buffer<E: Error>(_ bytes: Slice<UnsafeRawBufferPointer>, _: E.Type) throws(Failure<E>) {
        try check(bytes.count, E.self)
        line.append(contentsOf: bytes)
    }

    /// Keeps data of an event until its end comes.
    private mutating func hold<E: Error>(_ bytes: Slice<UnsafeRawBufferPointer>, _: E.Type) throws(Failure<E>) {
        try check(bytes.count, E.self)
        data.append(contentsOf: bytes)
    }

    private func check<E: Error>(_ count: Int, _: E.Type) throws(Failure<E>) {
        guard line.count + data.count + count <= maxEventBytes else { throw .tooLong(limit: maxEventBytes) }
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

extension [UInt8] {
    /// Calls `body` with the array's memory, like `withUnsafeBytes`, which does not throw typed errors.
    package func withBytes<T, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> T) throws(E) -> T {
        try withUnsafeBufferPointer { (buffer) throws(E) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
