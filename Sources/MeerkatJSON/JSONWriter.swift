/// Appends JSON to a buffer, compact and in the order of the calls.
///
/// Commas are written by looking at the last byte, so a writer has no state besides its bytes and may continue any
/// buffer that ends where a value or a member is expected.
public struct JSONWriter {
    public var bytes: [UInt8]

    public init(reservingCapacity capacity: Int = 0) {
        bytes = []
        if capacity > 0 { bytes.reserveCapacity(capacity) }
    }

    public init(continuing bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    // MARK: Structure

    public mutating func writeObject(_ members: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    public mutating func writeArray(_ elements: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "["))
        elements(&self)
        bytes.append(UInt8(ascii: "]"))
    }

    /// Writes a member; `name` must not need escapes.
    public mutating func member(_ name: StaticString, _ value: some JSONWritable) {
        memberName(name)
        value.write(to: &self)
    }

    /// Writes a member unless its value is nil.
    public mutating func member(_ name: StaticString, _ value: (some JSONWritable)?) {
        guard let value else { return }
        memberName(name)
        value.write(to: &self)
    }

    /// Writes a member whose value `body` writes.
    public mutating func member(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        memberName(name)
        body(&self)
    }

    /// Writes a member with any name.
    public mutating func member(named name: String, _ value: some JSONWritable) {
        separate(after: UInt8(ascii: "{"))
        writeString(name)
        bytes.append(UInt8(ascii: ":"))
        value.write(to: &self)
    }

    public mutating func element(_ value: some JSONWritable) {
        separate(after: UInt8(ascii: "["))
        value.write(to: &self)
    }

    /// Writes an array element that `body` writes.
    public mutating func element(_ body: (inout JSONWriter) -> Void) {
        separate(after: UInt8(ascii: "["))
        body(&self)
    }

    private mutating func memberName(_ name: StaticString) {
        separate(after: UInt8(ascii: "{"))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func separate(after opening: UInt8) {
        if let last = bytes.last, last != opening, last != UInt8(ascii: ",") { bytes.append(UInt8(ascii: ",")) }
    }

    /// Puts what was written from `start` on into one line.
    ///
    /// ``RawJSON`` keeps the line breaks it came with; in JSON a line break can only be white space between tokens.
    public mutating func joinLines(from start: Int = 0) {
        for index in start..<bytes.count where bytes[index] == 0x0A || bytes[index] == 0x0D { bytes[index] = 0x20 }
    }

    // MARK: Scalars

    public mutating func writeNull() { raw("null") }

    /// Appends `text` as it is; it must keep the output valid.
    public mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func writeString(_ value: String) {
        var value = value
        value.withUTF8 { writeString($0) }
    }

    /// Writes a string given as valid UTF-8.
    public mutating func writeString(_ utf8: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends the inside of a string: valid UTF-8 with what JSON requires escaped, and no quotes around it.
    public mutating func appendEscaped(_ utf8: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while start < utf8.count {
            let stop = Self.firstEscaped(in: utf8, from: start)
            if stop > start { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<stop])) }
            guard stop < utf8.count else { return }
            appendEscape(utf8[stop])
            start = stop + 1
        }
    }

    private static func firstEscaped(in utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var at = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        if let base = utf8.baseAddress {
            while at + 8 <= utf8.count {
                let word = UInt64(littleEndian: UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self))
                // Bytes from 0x80 on are plain; `~word` keeps their high bit from being taken for a borrow.
                let control = (word &- ones &* 0x20) & ~word
                let quote = word ^ (ones &* 0x22)
                let slash = word ^ (ones &* 0x5C)
                let flags = (control | ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)) & (ones &* 0x80)
                if flags != 0 { return at + flags.trailingZeroBitCount / 8 }
                at += 8
            }
        }
        while at < utf8.count {
            let byte = utf8[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return at }
            at += 1
        }
        return at
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x22, 0x5C: bytes.append(byte)
        default:
            let digits = Array("0123456789abcdef".utf8)
            raw("u00")
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }

    public mutating func writeInteger(_ value: some FixedWidthInteger) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}
