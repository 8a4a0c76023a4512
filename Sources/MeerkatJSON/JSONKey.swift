/// The name of an object member while the object is being read; it points into the text.
public struct JSONKey {
    let bytes: UnsafeBufferPointer<UInt8>
    let hasEscapes: Bool

    /// The name with its escapes resolved.
    public var string: String {
        guard hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
        var plain: [UInt8] = []
        JSONReader.unescape(bytes, into: &plain)
        return String(decoding: plain, as: UTF8.self)
    }

    /// Lets a `switch` over a key name its cases as plain literals.
    public static func ~= (pattern: StaticString, key: JSONKey) -> Bool {
        guard !key.hasEscapes else { return key.string == String(describing: pattern) }
        let count = pattern.utf8CodeUnitCount
        guard key.bytes.count == count else { return false }
        for index in 0..<count where key.bytes[index] != pattern.utf8Start[index] { return false }
        return true
    }
}
