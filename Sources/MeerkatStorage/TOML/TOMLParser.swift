internal import MeerkatJSON

/// Reads TOML 1.0 into statements, checking all of its grammar.
///
/// Dates and times are checked and become strings. Infinite numbers and NaN, which JSON does not have, are refused.
struct TOMLParser {
    /// Most tables and arrays around a value, names of dotted keys included.
    static let maxDepth = 100

    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    let text: [UInt8]
    var at = 0
    var depth = 0
    /// From the number sign to the end of its line.
    var comments: [TextRange] = []

    init(_ text: [UInt8]) {
        self.text = text
    }

    /// The statements of the whole text, in order.
    mutating func readAll() throws(TOMLError) -> [TOMLStatement] {
        try checkEncoding()
        if text.starts(with: Self.byteOrderMark) { at = Self.byteOrderMark.count }
        var statements: [TOMLStatement] = []
        while true {
            try skipBlankLinesAndComments()
            guard at < text.count else { return statements }
            statements.append(try peek() == UInt8(ascii: "[") ? .header(readHeader()) : .pair(readPair()))
            try endLine()
        }
    }

    private func checkEncoding() throws(TOMLError) {
        guard String(validating: text, as: UTF8.self) == nil else { return }
        var decoder = UTF8()
        var bytes = text.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&bytes) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput: return
            case .error: throw TOMLError(message: "not UTF-8", offset: offset)
            }
        }
    }

    // MARK: Statements

    private mutating func readHeader() throws(TOMLError) -> TOMLHeader {
        let start = at
        at += 1
        let isArrayElement = peek() == UInt8(ascii: "[")
        if isArrayElement { at += 1 }
        skipSpaces()
        let names = try readKey()
        try expect("]")
        if isArrayElement { try expect("]") }
        return TOMLHeader(names: names, isArrayElement: isArrayElement, range: start..<at)
    }

    mutating func readPair() throws(TOMLError) -> TOMLPair {
        let start = at
        let names = try readKey()
        guard depth + names.count <= Self.maxDepth else { throw tooDeep(at: start) }
        try expect("=")
        skipSpaces()
        depth += names.count
        let value = try readValue()
        depth -= names.count
        return TOMLPair(names: names, value: value, range: start..<at)
    }

    /// Reads a key, bare, quoted or dotted, and the spaces behind it.
    private mutating func readKey() throws(TOMLError) -> [String] {
        let start = at
        var names: [String] = []
        while true {
            names.append(try readName())
            skipSpaces()
            guard peek() == UInt8(ascii: ".") else { break }
            at += 1
            skipSpaces()
        }
        guard names.count <= Self.maxDepth else { throw tooDeep(at: start) }
        return names
    }

    private mutating func readName() throws(TOMLError) -> String {
        switch peek() {
        case UInt8(ascii: "\""): return try readBasicString()
        case UInt8(ascii: "'"): return try readLiteralString()
        default:
            let start = at
            while let byte = peek(), ConfigName.isBare(byte) { at += 1 }
            guard at > start else { throw unexpected("a key") }
            return String(decoding: text[start..<at], as: UTF8.self)
        }
    }

    // MARK: Values

    mutating func readValue() throws(TOMLError) -> TOMLNode {
        let start = at
        let content: TOMLNode.Content
        switch peek() {
        case UInt8(ascii: "\""):
            content = .scalar(.string(try starts(with: "\"\"\"") ? readMultilineBasicString() : readBasicString()))
        case UInt8(ascii: "'"):
            content = .scalar(.string(try starts(with: "'''") ? readMultilineLiteralString() : readLiteralString()))
        case UInt8(ascii: "["): content = .array(try readArray())
        case UInt8(ascii: "{"): content = .inlineTable(try readInlineTable())
        default: content = .scalar(try readPlainValue())
        }
        return TOMLNode(content: content, range: start..<at)
    }

    private mutating func readArray() throws(TOMLError) -> [TOMLNode] {
        try open()
        defer { depth -= 1 }
        var elements: [TOMLNode] = []
        while true {
            try skipBlankLinesAndComments()
            if take("]") { return elements }
            elements.append(try readValue())
            try skipBlankLinesAndComments()
            if take("]") { return elements }
            guard take(",") else { throw unexpected("\",\" or \"]\"") }
        }
    }

    private mutating func readInlineTable() throws(TOMLError) -> [TOMLPair] {
        try open()
        defer { depth -= 1 }
        var pairs: [TOMLPair] = []
        skipSpaces()
        if take("}") { return pairs }
        while true {
            skipSpaces()
            pairs.append(try readPair())
            skipSpaces()
            if take("}") { return pairs }
            guard take(",") else { throw unexpected("\",\" or \"}\"") }
        }
    }

    private mutating func open() throws(TOMLError) {
        guard depth < Self.maxDepth else { throw tooDeep(at: at) }
        depth += 1
        at += 1
    }

    // MARK: Bytes

    func peek() -> UInt8? { at < text.count ? text[at] : nil }

    func starts(with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard text.count - at >= count else { return false }
        return (0..<count).allSatisfy { text[at + $0] == word.utf8Start[$0] }
    }

    mutating func take(_ word: StaticString) -> Bool {
        guard starts(with: word) else { return false }
        at += word.utf8CodeUnitCount
        return true
    }

    private mutating func expect(_ word: StaticString) throws(TOMLError) {
        guard take(word) else { throw unexpected("\"\(word)\"") }
    }

    mutating func skipSpaces() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 { at += 1 }
    }

    /// Moves behind a line end, if there is one here.
    mutating func takeLineEnd() -> Bool { take("\n") || take("\r\n") }

    private mutating func skipBlankLinesAndComments() throws(TOMLError) {
        repeat {
            skipSpaces()
            try skipComment()
        } while takeLineEnd()
    }

    private mutating func skipComment() throws(TOMLError) {
        guard peek() == UInt8(ascii: "#") else { return }
        let start = at
        while let byte = peek(), byte != 0x0A, !starts(with: "\r\n") {
            guard !Self.isControl(byte) else { throw TOMLError(message: "control character", offset: at) }
            at += 1
        }
        comments.append(start..<at)
    }

    private mutating func endLine() throws(TOMLError) {
        skipSpaces()
        try skipComment()
        guard at == text.count || takeLineEnd() else { throw unexpected("the end of the line") }
    }

    /// Whether a byte may not stand in text; a tab may.
    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 || byte == 0x7F }

    func unexpected(_ wanted: String) -> TOMLError {
        TOMLError(message: at < text.count ? "expected \(wanted)" : "the text ends before \(wanted)", offset: at)
    }

    private func tooDeep(at offset: Int) -> TOMLError {
        TOMLError(message: "nested deeper than \(Self.maxDepth) levels", offset: offset)
    }
}
