/// A credential of one endpoint.
///
/// It has no text form, so that it cannot end up in a message or a log by accident.
public struct APIKey: Sendable, Hashable {
    let value: String

    /// White space around the key is left out; nil when nothing is left.
    public init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        guard !bytes.isEmpty else { return nil }
        value = String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the key can stand in a header.
    var isPrintable: Bool { value.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}

extension APIKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "APIKey(…)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension APIKey {
    /// `text` with everything left out that may be a piece of the key.
    ///
    /// Servers quote keys whole, masked with stars or shortened; a word is dropped when it has the key, one of the
    /// key's ends or a mask in it.
    static func redact(_ text: String, _ keys: [APIKey]) -> String {
        var result = ""
        var word = ""
        func flush() {
            result += isSecret(word, keys) ? "[redacted]" : word
            word = ""
        }
        for character in text {
            if character.isWhitespace || "\"'`,;()[]{}<>".contains(character) {
                flush()
                result.append(character)
            } else {
                word.append(character)
            }
        }
        flush()
        return result
    }

    private static func isSecret(_ word: String, _ keys: [APIKey]) -> Bool {
        word.contains("***") || keys.contains { $0.isIn(word) }
    }

    private func isIn(_ word: String) -> Bool {
        guard value.utf8.count >= 4 else { return false }
        if word.contains(value) { return true }
        guard value.utf8.count >= 16 else { return false }
        return word.contains(value.prefix(8)) || word.contains(value.suffix(8))
    }
}
