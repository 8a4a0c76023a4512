extension TOMLParser {
    /// Reads `"…"`.
    mutating func readBasicString() throws(TOMLError) -> String {
        at += 1
        var bytes: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): try readEscape(into: &bytes)
            default: try readCharacter(into: &bytes)
            }
        }
        throw unexpected("the closing quote")
    }

    /// Reads `'…'`.
    mutating func readLiteralString() throws(TOMLError) -> String {
        at += 1
        var bytes: [UInt8] = []
        while let byte = peek() {
            if byte == UInt8(ascii: "'") {
                at += 1
                return String(decoding: bytes, as: UTF8.self)
            }
            try readCharacter(into: &bytes)
        }
        throw unexpected("the closing quote")
    }

    /// Reads `"""…"""`.
    mutating func readMultilineBasicString() throws(TOMLError) -> String {
        at += 3
        _ = takeLineEnd()
        var bytes: [UInt8] = []
        while at < text.count {
            if try closeMultiline(UInt8(ascii: "\""), &bytes) { return String(decoding: bytes, as: UTF8.self) }
            if peek() == UInt8(ascii: "\\") {
                if try !takeLineContinuation() { try readEscape(into: &bytes) }
            } else if !readLineEnd(into: &bytes) {
                try readCharacter(into: &bytes)
            }
        }
        throw unexpected("the closing quotes")
    }

    /// Reads `'''…'''`.
    mutating func readMultilineLiteralString() throws(TOMLError) -> String {
        at += 3
        _ = takeLineEnd()
        var bytes: [UInt8] = []
        while at < text.count {
            if try closeMultiline(UInt8(ascii: "'"), &bytes) { return String(decoding: bytes, as: UTF8.self) }
            if !readLineEnd(into: &bytes) { try readCharacter(into: &bytes) }
        }
        throw unexpected("the closing quotes")
    }

    /// Reads a run of quotes; true when it closes the string.
    ///
    /// Up to two quotes may stand before the closing three.
    private mutating func closeMultiline(_ quote: UInt8, _ bytes: inout [UInt8]) throws(TOMLError) -> Bool {
        let start = at
        while peek() == quote { at += 1 }
        let count = at - start
        guard count <= 5 else { throw TOMLError(message: "too many quotes", offset: start) }
        let isClosed = count >= 3
        bytes.append(contentsOf: repeatElement(quote, count: isClosed ? count - 3 : count))
        return isClosed
    }

    private mutating func readLineEnd(into bytes: inout [UInt8]) -> Bool {
        let start = at
        guard takeLineEnd() else { return false }
        bytes.append(contentsOf: text[start..<at])
        return true
    }

    private mutating func readCharacter(into bytes: inout [UInt8]) throws(TOMLError) {
        guard let byte = peek() else { return }
        guard !Self.isControl(byte) else {
            let isLineEnd = byte == 0x0A || byte == 0x0D
            throw TOMLError(message: isLineEnd ? "the string is not closed" : "control character", offset: at)
        }
        bytes.append(byte)
        at += 1
    }

    /// Skips a backslash at the end of a line and all white space behind it.
    private mutating func takeLineContinuation() throws(TOMLError) -> Bool {
        let start = at
        at += 1
        skipSpaces()
        guard takeLineEnd() else {
            at = start
            return false
        }
        repeat { skipSpaces() } while takeLineEnd()
        return true
    }

    private mutating func readEscape(into bytes: inout [UInt8]) throws(TOMLError) {
        let start = at
        at += 1
        let byte = peek()
        at += 1
        switch byte {
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte ?? 0)
        case UInt8(ascii: "u"): try readScalar(digits: 4, from: start, into: &bytes)
        case UInt8(ascii: "U"): try readScalar(digits: 8, from: start, into: &bytes)
        default: throw TOMLError(message: "unknown escape", offset: start)
        }
    }

    private mutating func readScalar(digits: Int, from start: Int, into bytes: inout [UInt8]) throws(TOMLError) {
        let end = at + digits
        guard end <= text.count, text[at..<end].allSatisfy(Self.isHexDigit),
            let value = UInt32(String(decoding: text[at..<end], as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw TOMLError(message: "malformed Unicode escape", offset: start) }
        bytes.append(contentsOf: String(Character(scalar)).utf8)
        at = end
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }
}
