/// The name of an object member while the object is being read; it points into the text.
public struct JSONKey {
    let bytes: UnsafeBufferPointer<UInt8>
    let hasEscapes: Bool

    /// The name with its escapes resolved.
    public var string: String {
        guard hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: unescaped, as: UTF8.self)
    }

    private var unescaped: [UInt8] {
        var plain: [UInt8] = []
        JSONReader.unescape(bytes, into: &plain)
        return plain
    }

    /// Lets a `switch` over a key name its cases as plain literals.
    public static func ~= (pattern: StaticString, key: JSONKey) -> Bool {
        let literal = UnsafeBufferPointer(start: pattern.utf8Start, count: pattern.utf8CodeUnitCount)
        guard !key.hasEscapes else { return key.unescaped.elementsEqual(literal) }
        let count = literal.count
        guard key.bytes.count == count else { return false }
        for index in 0..<count where key.bytes[index] != literal[index] { return false }
        return true
    }
}
