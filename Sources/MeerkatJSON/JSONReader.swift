/// Reads JSON values from bytes one after the other, without building a tree.
///
/// The grammar is that of RFC 8259 and nothing beyond it: no comments, no trailing commas, no byte order mark, UTF-8
/// only. Nesting is bounded. Two points that the RFC leaves open:
/// - **Duplicate names** are allowed; a consumer sees every member in order, so the last one wins.
/// - **Lone surrogates** (`"\ud800"`) are allowed by the grammar; read as text they become U+FFFD. ``RawJSON`` keeps
///   them as they were written.
///
/// A reader borrows its bytes and lives only inside ``read(_:maxDepth:_:)-(UnsafeRawBufferPointer,_,_)``.
public struct JSONReader: ~Copyable {
    /// Nesting that is accepted unless a caller says otherwise.
    public static let defaultMaxDepth = 512

    let base: UnsafePointer<UInt8>
    let end: Int
    /// The next byte to be read, counted from the start of the text.
    public internal(set) var position = 0
    var depth = 0
    let maxDepth: Int

    private init(base: UnsafePointer<UInt8>, count: Int, maxDepth: Int) {
        self.base = base
        self.end = count
        self.maxDepth = maxDepth
    }

    /// Reads exactly one value and the white space around it.
    ///
    /// - Throws: what `body` throws, or ``JSONError/Reason/trailingBytes`` when it left something behind.
    public static func read<T>(
        _ bytes: UnsafeRawBufferPointer,
        maxDepth: Int = defaultMaxDepth,
        _ body: (inout JSONReader) throws(JSONError) -> T
    ) throws(JSONError) -> T {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { throw JSONError(.unexpectedEnd) }
        var reader = JSONReader(
            base: start.assumingMemoryBound(to: UInt8.self), count: bytes.count, maxDepth: maxDepth)
        let value = try body(&reader)
        reader.skipWhitespace()
        guard reader.position == reader.end else { throw JSONError(.trailingBytes, offset: reader.position) }
        return value
    }

    /// Reads exactly one value from an array of bytes.
    public static func read<T>(
        _ bytes: [UInt8],
        maxDepth: Int = defaultMaxDepth,
        _ body: (inout JSONReader) throws(JSONError) -> T
    ) throws(JSONError) -> T {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            try read(UnsafeRawBufferPointer(buffer), maxDepth: maxDepth, body)
        }
    }

    // MARK: Structure

    /// The kind of value that comes next.
    public enum Kind: Hashable, Sendable {
        case object, array, string, number, boolean, null
    }

    /// Looks at the next value without reading it.
    public mutating func peek() throws(JSONError) -> Kind {
        switch try nextByte() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        case let byte: throw JSONError(.unexpectedByte(byte), offset: position)
        }
    }

    /// Reads an object member by member.
    ///
    /// `member` may leave the value alone; it is then skipped.
    public mutating func readObject(
        _ member: (inout JSONReader, JSONKey) throws(JSONError) -> Void
    ) throws(JSONError) {
        try open(UInt8(ascii: "{"), expecting: "an object")
        if try nextByte() == UInt8(ascii: "}") { return close() }
        while true {
            let key = try readKey()
            let start = position
            do throws(JSONError) {
                try member(&self, key)
                if position == start { try skip() }
            } catch {
                throw error.inside(key.string)
            }
            switch try nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"): return close()
            case let byte: throw JSONError(.unexpectedByte(byte), offset: position)
            }
        }
    }

    /// Reads an array element by element.
    ///
    /// `element` may leave the value alone; it is then skipped.
    public mutating func readArray(
        _ element: (inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        try open(UInt8(ascii: "["), expecting: "an array")
        if try nextByte() == UInt8(ascii: "]") { return close() }
        var index = 0
        while true {
            skipWhitespace()
            let start = position
            do throws(JSONError) {
                try element(&self)
                if position == start { try skip() }
            } catch {
                throw error.inside(String(index))
            }
            index += 1
            switch try nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"): return close()
            case let byte: throw JSONError(.unexpectedByte(byte), offset: position)
            }
        }
    }

    private mutating func open(_ byte: UInt8, expecting name: String) throws(JSONError) {
        guard try nextByte() == byte else { throw try mismatch(name) }
        guard depth < maxDepth else { throw JSONError(.tooDeep(limit: maxDepth), offset: position) }
        depth += 1
        position += 1
    }

    private mutating func close() {
        depth -= 1
        position += 1
    }

    private mutating func readKey() throws(JSONError) -> JSONKey {
        let quote = try nextByte()
        guard quote == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte(quote), offset: position) }
        let scanned = try scanString()
        let colon = try nextByte()
        guard colon == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte(colon), offset: position) }
        position += 1
        skipWhitespace()
        return JSONKey(
            bytes: UnsafeBufferPointer(start: base + scanned.start, count: scanned.end - scanned.start),
            hasEscapes: scanned.hasEscapes)
    }

    // MARK: Scalars

    public mutating func readBool() throws(JSONError) -> Bool {
        switch try nextByte() {
        case UInt8(ascii: "t"):
            try expectWord("true")
            return true
        case UInt8(ascii: "f"):
            try expectWord("false")
            return false
        default: throw try mismatch("a boolean")
        }
    }

    /// Reads `null` when it comes next, and tells whether it did.
    public mutating func readNull() throws(JSONError) -> Bool {
        guard try nextByte() == UInt8(ascii: "n") else { return false }
        try expectWord("null")
        return true
    }

    private mutating func expectWord(_ word: StaticString) throws(JSONError) {
        let text = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for byte in text {
            guard position < end else { throw JSONError(.unexpectedEnd, offset: end) }
            guard base[position] == byte else { throw JSONError(.unexpectedByte(base[position]), offset: position) }
            position += 1
        }
    }

    /// Skips one value of any kind, checking it as strictly as if it were read.
    public mutating func skip() throws(JSONError) {
        switch try peek() {
        case .object: try readObject { (_, _) throws(JSONError) in }
        case .array: try readArray { (_) throws(JSONError) in }
        case .string: _ = try scanString()
        case .number: _ = try scanNumber()
        case .boolean: _ = try readBool()
        case .null: _ = try readNull()
        }
    }

    /// Reads one value of any kind as the bytes it was written with.
    public mutating func readRaw() throws(JSONError) -> RawJSON {
        _ = try nextByte()
        let start = position
        try skip()
        return RawJSON(validated: Array(UnsafeBufferPointer(start: base + start, count: position - start)))
    }

    // MARK: Bytes

    mutating func skipWhitespace() {
        while position < end {
            switch base[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// The next byte that is not white space; it is not consumed.
    mutating func nextByte() throws(JSONError) -> UInt8 {
        skipWhitespace()
        guard position < end else { throw JSONError(.unexpectedEnd, offset: end) }
        return base[position]
    }

    /// An error for a value of the wrong type; a malformed value is reported as such.
    mutating func mismatch(_ expected: String) throws(JSONError) -> JSONError {
        _ = try peek()
        return JSONError(.typeMismatch(expected: expected), offset: position)
    }
}
