/// JSON over several lines, for files that people read.
enum PrettyJSON {
    /// Spreads compact JSON, two spaces a level.
    static func text(_ compact: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(compact.count * 3 / 2)
        var level = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in compact.enumerated() {
            if isInString {
                text.append(byte)
                isInString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                text.append(byte)
                let isEmpty = index + 1 < compact.count && compact[index + 1] == byte + 2
                level += 1
                if !isEmpty { breakLine(level, &text) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level -= 1
                if compact[index - 1] != byte - 2 { breakLine(level, &text) }
                text.append(byte)
            case UInt8(ascii: ","):
                text.append(byte)
                breakLine(level, &text)
            case UInt8(ascii: ":"):
                text.append(byte)
                text.append(UInt8(ascii: " "))
            default:
                text.append(byte)
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return text
    }

    private static func breakLine(_ level: Int, _ text: inout [UInt8]) {
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
    }
}
