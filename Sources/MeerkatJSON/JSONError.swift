/// Why bytes are not the JSON that a reader asked for.
public struct JSONError: Error, Hashable, Sendable {
    /// What was wrong at ``offset``.
    public enum Reason: Hashable, Sendable {
        /// The text ended inside a value.
        case unexpectedEnd
        /// A byte that the grammar does not allow at this place.
        case unexpectedByte(UInt8)
        /// A string holds bytes that are not UTF-8.
        case invalidUTF8
        /// A backslash is followed by something that is no escape.
        case invalidEscape
        /// A string holds an unescaped character below U+0020.
        case controlCharacter
        /// A number breaks the grammar, for example `01` or `1.`.
        case invalidNumber
        /// Arrays and objects are nested deeper than the reader allows.
        case tooDeep(limit: Int)
        /// Something other than white space follows the value.
        case trailingBytes
        /// The value has another type than the one asked for.
        case typeMismatch(expected: String)
        /// The number does not fit the type asked for.
        case numberOutOfRange
        /// An object lacks a required member.
        case missingMember(String)
        /// The value has the right type and a meaning that is refused.
        case invalidValue(String)
    }

    public var reason: Reason
    /// Position in the text, in bytes from its start.
    public var offset: Int
    /// Member names and array indices from the outermost value to the faulty one.
    public var path: [String]

    public init(_ reason: Reason, offset: Int = 0, path: [String] = []) {
        self.reason = reason
        self.offset = offset
        self.path = path
    }

    /// The same error, seen from the value that holds it under `component`.
    func inside(_ component: @autoclosure () -> String) -> JSONError {
        var outer = self
        outer.path.insert(component(), at: 0)
        return outer
    }

    /// The path in the form `agent.model`, or nil at the outermost value.
    public var field: String? {
        path.isEmpty ? nil : path.joined(separator: ".")
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        let what =
            switch reason {
            case .unexpectedEnd: "the text ends too early"
            case .unexpectedByte(let byte): "unexpected \(Self.name(of: byte))"
            case .invalidUTF8: "a string is not valid UTF-8"
            case .invalidEscape: "invalid escape in a string"
            case .controlCharacter: "unescaped control character in a string"
            case .invalidNumber: "malformed number"
            case .tooDeep(let limit): "nested deeper than \(limit) levels"
            case .trailingBytes: "something follows the value"
            case .typeMismatch(let expected): "expected \(expected)"
            case .numberOutOfRange: "number out of range"
            case .missingMember(let name): "missing member \"\(name)\""
            case .invalidValue(let text): text
            }
        return (field.map { "\($0): " } ?? "") + what + " (byte \(offset))"
    }

    private static func name(of byte: UInt8) -> String {
        (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    }
}
