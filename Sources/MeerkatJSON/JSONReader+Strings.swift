extension JSONReader {
    /// A string in the text, without its quotes.
    struct ScannedString {
        var start: Int
        var end: Int
        var hasEscapes: Bool
    }

    public mutating func readString() throws(JSONError) -> String {
        guard try nextByte() == UInt8(ascii: "\"") else { throw try mismatch("a string") }
        let scanned = try scanString()
        let bytes = UnsafeBufferPointer(start: base + scanned.start, count: scanned.end - scanned.start)
        guard scanned.hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: bytes.count) { target in
            Self.unescape(bytes, into: target)
        }
    }

    /// Appends the UTF-8 of a string, escapes resolved, and returns how many bytes that were.
    public mutating func readString(appendingTo target: inout [UInt8]) throws(JSONError) -> Int {
        guard try nextByte() == UInt8(ascii: "\"") else { throw try mismatch("a string") }
        let scanned = try scanString()
        let bytes = UnsafeBufferPointer(start: base + scanned.start, count: scanned.end - scanned.start)
        let before = target.count
        if scanned.hasEscapes {
            Self.unescape(bytes, into: &target)
        } else {
            target.append(contentsOf: bytes)
        }
        return target.count - before
    }

    /// Reads a string and tells whether it is `literal`, without creating it.
    public mutating func readString(is literal: StaticString) throws(JSONError) -> Bool {
        literal ~= (try readKeyLikeString())
    }

    /// Reads a string as a value that a `switch` can compare with literals; it must not outlive the call.
    public mutating func readKeyLikeString() throws(JSONError) -> JSONKey {
        guard try nextByte() == UInt8(ascii: "\"") else { throw try mismatch("a string") }
        let scanned = try scanString()
        return JSONKey(
            bytes: UnsafeBufferPointer(start: base + scanned.start, count: scanned.end - scanned.start),
            hasEscapes: scanned.hasEscapes)
    }

    /// Checks the string that starts at the current position and moves behind its closing quote.
    mutating func scanString() throws(JSONError) -> ScannedString {
        var at = position + 1
        let start = at
        var hasEscapes = false
        while true {
            at = firstSpecialByte(from: at)
            guard at < end else { throw JSONError(.unexpectedEnd, offset: end) }
            switch base[at] {
            case UInt8(ascii: "\""):
                position = at + 1
                return ScannedString(start: start, end: at, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                at = try scanEscape(at)
            case 0..<0x20:
                throw JSONError(.controlCharacter, offset: at)
            default:
                at = try scanMultibyte(at)
            }
        }
    }

    /// The first byte at or after `start` that ends or interrupts plain ASCII text, eight bytes at a time.
    private func firstSpecialByte(from start: Int) -> Int {
        var at = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        while at + 8 <= end {
            let word = UInt64(
                littleEndian: UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self))
            // The lowest flagged byte is exact; a borrow can only flag bytes above a genuine one.
            let flags =
                ((word &- ones &* 0x20) | ((word ^ (ones &* 0x22)) &- ones) | ((word ^ (ones &* 0x5C)) &- ones) | word)
                & (ones &* 0x80)
            if flags != 0 { return at + flags.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < end {
            let byte = base[at]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return at }
            at += 1
        }
        return end
    }

    /// Checks the escape whose backslash stands at `start` and returns the place behind it.
    private func scanEscape(_ start: Int) throws(JSONError) -> Int {
        guard start + 1 < end else { throw JSONError(.unexpectedEnd, offset: end) }
        switch base[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start + 2
        case UInt8(ascii: "u"):
            for digit in start + 2..<start + 6 {
                guard digit < end else { throw JSONError(.unexpectedEnd, offset: end) }
                guard Self.hexValue(base[digit]) != nil else { throw JSONError(.invalidEscape, offset: digit) }
            }
            return start + 6
        default:
            throw JSONError(.invalidEscape, offset: start)
        }
    }

    /// Checks the UTF-8 sequence at `start` (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
    private func scanMultibyte(_ start: Int) throws(JSONError) -> Int {
        let lead = base[start]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw JSONError(.invalidUTF8, offset: start)
        }
        guard start + count <= end else { throw JSONError(.invalidUTF8, offset: start) }
        guard second.contains(base[start + 1]) else { throw JSONError(.invalidUTF8, offset: start) }
        for index in start + 2..<start + count where base[index] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, offset: start)
        }
        return start + count
    }

    // MARK: Escapes

    /// Resolves the escapes of a checked string; the result is never longer than the source.
    static func unescape(_ source: UnsafeBufferPointer<UInt8>, into target: inout [UInt8]) {
        let before = target.count
        target.append(contentsOf: source)
        let written = target.withUnsafeMutableBufferPointer { whole in
            unescape(source, into: UnsafeMutableBufferPointer(rebasing: whole[before...]))
        }
        target.removeLast(source.count - written)
    }

    /// Resolves the escapes of a checked string into at least as many bytes and returns how many were written.
    static func unescape(
        _ source: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var from = 0
        var to = 0
        while from < source.count {
            let byte = source[from]
            guard byte == UInt8(ascii: "\\") else {
                target[to] = byte
                to += 1
                from += 1
                continue
            }
            switch source[from + 1] {
            case UInt8(ascii: "b"): target[to] = 0x08
            case UInt8(ascii: "f"): target[to] = 0x0C
            case UInt8(ascii: "n"): target[to] = 0x0A
            case UInt8(ascii: "r"): target[to] = 0x0D
            case UInt8(ascii: "t"): target[to] = 0x09
            case UInt8(ascii: "u"):
                let (scalar, length) = scalar(at: from, in: source)
                for unit in UTF8.encode(scalar).unsafelyUnwrapped {  // every scalar has a UTF-8 form
                    target[to] = unit
                    to += 1
                }
                from += length
                continue
            case let plain: target[to] = plain
            }
            to += 1
            from += 2
        }
        return to
    }

    /// The character of the `\u` escape at `start` and the length of its source; a lone surrogate is U+FFFD.
    private static func scalar(at start: Int, in source: UnsafeBufferPointer<UInt8>) -> (Unicode.Scalar, Int) {
        let first = hexUnit(at: start + 2, in: source)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        let next = start + 6
        if first < 0xDC00, next + 6 <= source.count, source[next] == UInt8(ascii: "\\"),
            source[next + 1] == UInt8(ascii: "u")
        {
            let second = hexUnit(at: next + 2, in: source)
            if (0xDC00...0xDFFF).contains(second) {
                let value = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                return (Unicode.Scalar(value) ?? "\u{FFFD}", 12)
            }
        }
        return ("\u{FFFD}", 6)
    }

    private static func hexUnit(at start: Int, in source: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<start + 4 { value = value << 4 | UInt32(hexValue(source[index]) ?? 0) }
        return value
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
