import MeerkatJSON
import Testing

/// A text that is not JSON, and where it stops being JSON.
struct Refusal: Sendable, CustomTestStringConvertible {
    var text: String
    var error: JSONError

    init(_ text: String, _ reason: JSONError.Reason, at offset: Int, path: String...) {
        self.text = text
        error = JSONError(reason, offset: offset, path: path)
    }

    /// A text whose byte at `offset` does not belong there.
    init(_ text: String, byteAt offset: Int, path: String...) {
        self.text = text
        error = JSONError(.unexpectedByte(Array(text.utf8)[offset]), offset: offset, path: path)
    }

    var testDescription: String { text.debugDescription }
}
