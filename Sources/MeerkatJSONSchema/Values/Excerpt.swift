import MeerkatJSON

/// Foreign text inside a message: in one line, quoted as JSON and cut at 200 bytes.
enum Excerpt {
    static let maxBytes = 200

    /// The beginning of `text`, not quoted.
    static func text(_ text: String) -> String {
        guard text.utf8.count > maxBytes else { return text }
        return String(decoding: prefix(of: text), as: UTF8.self) + "…"
    }

    /// The beginning of `text` as a JSON string.
    static func quoted(_ text: String) -> String {
        value(.string(text))
    }

    /// The beginning of a value as JSON.
    static func value(_ value: JSONValue) -> String {
        list([value])
    }

    /// The beginning of a list of values as JSON, separated by commas.
    static func list(_ values: [JSONValue]) -> String {
        var bytes: [UInt8] = []
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(contentsOf: ", ".utf8) }
            append(value, to: &bytes)
            if bytes.count > maxBytes { return cut(bytes, closing: value) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
        guard bytes.count <= maxBytes else { return }
        switch value {
        case .null, .bool: bytes.append(contentsOf: value.jsonBytes)
        case .number(let number): bytes.append(contentsOf: number.text.utf8.prefix(maxBytes + 1))
        case .string(let text): bytes.append(contentsOf: String(decoding: prefix(of: text), as: UTF8.self).jsonBytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if bytes.count > maxBytes { break }
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(element, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if bytes.count > maxBytes { break }
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(.string(member.name), to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(member.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func cut(_ bytes: [UInt8], closing value: JSONValue) -> String {
        String(decoding: wholePrefix(of: bytes), as: UTF8.self) + (value.string == nil ? "…" : "…\"")
    }

    private static func prefix(of text: String) -> ArraySlice<UInt8> {
        wholePrefix(of: Array(text.utf8.prefix(maxBytes + 1)))
    }

    /// At most ``maxBytes``, not ending inside a code point.
    private static func wholePrefix(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        guard bytes.count > maxBytes else { return bytes[...] }
        var end = maxBytes
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return bytes[..<end]
    }
}
