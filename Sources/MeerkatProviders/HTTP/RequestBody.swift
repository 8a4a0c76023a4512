internal import MeerkatCore

/// The body of a request in pieces: a head, the history as it was rendered, and a tail.
///
/// Nothing of the history is copied.
enum RequestBody {
    /// Joins the pieces; `head` ends with `[` or with a message, and `tail` closes what it has opened.
    static func join(head: [UInt8], _ history: RenderedHistory, tail: String) -> [[UInt8]] {
        var pieces: [[UInt8]] = [head]
        pieces.reserveCapacity(2 * history.chunks.count + 2)
        var needsComma = head.last != UInt8(ascii: "[")
        for chunk in history.chunks where !chunk.isEmpty {
            if needsComma { pieces.append(Self.comma) }
            pieces.append(chunk)
            needsComma = true
        }
        pieces.append(Array(tail.utf8))
        return pieces
    }

    private static let comma = [UInt8(ascii: ",")]
}

extension String {
    /// The text with everything but letters, digits, `_` and `-` replaced, as APIs want names and ids.
    ///
    /// A history may hold what another provider, or a model's imagination, called a tool or a call. With `distinctly`
    /// different texts stay different.
    func asIdentifier(distinctly: Bool, maxLength: Int) -> String {
        let isPlain = utf8.allSatisfy(Self.isIdentifierByte)
        guard !isPlain || isEmpty || utf8.count > maxLength else { return self }
        var bytes: [UInt8] = []
        for byte in utf8 {
            if Self.isIdentifierByte(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "_"))
                if distinctly { bytes += Array(String(byte, radix: 16).utf8) }
            }
        }
        if bytes.isEmpty { bytes = Array("unnamed".utf8) }
        // The end of an id tells more than its beginning.
        return String(decoding: distinctly ? bytes.suffix(maxLength) : bytes.prefix(maxLength), as: UTF8.self)
    }

    static func isIdentifierByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
