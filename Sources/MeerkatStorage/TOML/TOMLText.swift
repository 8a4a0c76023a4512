internal import MeerkatJSON

/// Writes values as TOML.
enum TOMLText {
    /// Why a value has no TOML form.
    enum Problem: Error {
        case null
        case number
        case tooDeep

        var message: String {
            switch self {
            case .null: "null cannot be stored in a list"
            case .number: "the number is out of range"
            case .tooDeep: "nested too deep"
            }
        }
    }

    /// Longest list that is written on one line.
    private static let longestLine = 100

    /// A key, dotted when there are several names.
    static func key(_ names: some Sequence<String>) -> String {
        names.map { $0.utf8.allSatisfy(ConfigName.isBare) && !$0.isEmpty ? $0 : basicString($0) }
            .joined(separator: ".")
    }

    /// The value of a line `key = value`: long lists and texts take several lines.
    static func lineValue(_ value: JSONValue, lineEnd: String) throws(Problem) -> String {
        switch value {
        case .string(let text) where lineEnd == "\n" && text.contains("\n") && isPrintable(text):
            return "\"\"\"\n" + multilineEscaped(text) + "\"\"\""
        case .array(let elements):
            let line = try inline(value)
            guard line.utf8.count > longestLine else { return line }
            var text = "["
            for element in elements { text += lineEnd + "    " + (try inline(element, depth: 1)) + "," }
            return text + lineEnd + "]"
        default: return try inline(value)
        }
    }

    /// The value on a single line.
    static func inline(_ value: JSONValue, depth: Int = 0) throws(Problem) -> String {
        guard depth < TOMLParser.maxDepth / 2 else { throw .tooDeep }
        switch value {
        case .null: throw .null
        case .bool(let value): return value ? "true" : "false"
        case .number(let number):
            let isWhole = number.text.utf8.allSatisfy { TOMLParser.isDigit($0) || $0 == UInt8(ascii: "-") }
            guard isWhole ? Int64(number.text) != nil : number.double != nil else { throw .number }
            return number.text
        case .string(let text): return basicString(text)
        case .array(let elements):
            var parts: [String] = []
            for element in elements { parts.append(try inline(element, depth: depth + 1)) }
            return "[" + parts.joined(separator: ", ") + "]"
        case .object(let object):
            var parts: [String] = []
            for member in object.members {
                parts.append(key([member.name]) + " = " + (try inline(member.value, depth: depth + 1)))
            }
            return parts.isEmpty ? "{}" : "{ " + parts.joined(separator: ", ") + " }"
        }
    }

    private static func basicString(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: append(scalar, to: &result)
            }
        }
        return result + "\""
    }

    private static func multilineEscaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += result.hasSuffix("\"") ? "\\\"" : "\""
            case "\n": result += "\n"
            default: append(scalar, to: &result)
            }
        }
        // A quote at the very end would run into the closing ones.
        return text.hasSuffix("\"") && !result.hasSuffix("\\\"") ? String(result.dropLast()) + "\\\"" : result
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar {
        case "\\": result += "\\\\"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }

    /// Whether text may stand between triple quotes and stay readable.
    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F || $0 == "\n" || $0 == "\t" }
    }
}
