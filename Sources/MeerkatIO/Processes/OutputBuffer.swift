#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Keeps the beginning and the end of a text that may be of any length; the whole of a long one goes to a file.
///
/// Memory is bounded, whatever comes. Characters are Unicode scalars; bytes that are not UTF-8 become U+FFFD.
public struct OutputBuffer: ~Copyable {
    /// What was kept.
    public struct Text: Sendable, Hashable {
        /// The whole text, or its head, a line that tells what is missing, and its tail.
        public var text: String
        /// Some bytes were not UTF-8.
        public var isLossy: Bool
        /// Characters that are not in ``text``.
        public var leftOut: Int
        /// Holds the text byte for byte, if any of it was left out and the file could be written.
        public var file: String?

        public init(text: String, isLossy: Bool, leftOut: Int, file: String?) {
            self.text = text
            self.isLossy = isLossy
            self.leftOut = leftOut
            self.file = file
        }
    }

    private let limit: Int
    private var decoder = UTF8Pieces()
    private var spill: SpillFile
    /// What came, until it is known whether all of it can be kept.
    private var bytes: [UInt8] = []
    /// The same as correct UTF-8; above the limit the first half of it.
    private var head: [UInt8] = []
    /// Above the limit, at least the last half.
    private var tail: [UInt8] = []
    private var characters = 0
    private var isOverLimit = false

    /// - Parameters:
    ///   - limit: most characters that are kept, half of them from the beginning and half from the end.
    ///   - file: created, with its directory, as soon as the limit is passed.
    ///   - fileLimit: most bytes of the file.
    ///   - quota: bounds the file together with others.
    public init(
        limit: Int = 100_000, file: String, fileLimit: Int = 256 << 20, quota: OutputQuota? = nil
    ) {
        self.limit = limit
        spill = SpillFile(path: file, limit: fileLimit, quota: quota)
    }

    /// Takes a piece, which may begin and end within a character.
    public mutating func append(_ piece: RawSpan) {
        piece.withUnsafeBytes { piece in
            if isOverLimit { spill.append(piece) } else { bytes.append(contentsOf: piece) }
            take(decoder.decode(piece))
        }
    }

    /// Says that nothing more will come.
    public mutating func finish() -> Text {
        take(decoder.finish())
        guard isOverLimit else {
            return Text(text: String(decoding: head, as: UTF8.self), isLossy: decoder.isLossy, leftOut: 0, file: nil)
        }
        let file = spill.finish()
        let end = tail.suffix(characters: limit - limit / 2)
        let leftOut = characters - limit
        let note = note(leftOut, file)
        let text = String(decoding: head, as: UTF8.self) + note + String(decoding: end, as: UTF8.self)
        return Text(text: text, isLossy: decoder.isLossy, leftOut: leftOut, file: file?.path)
    }

    private func note(_ leftOut: Int, _ file: SpillFile.Written?) -> String {
        let place =
            switch file {
            case nil: ""
            case .some(let file) where file.isWhole: "; the whole is in \(file.path)"
            case .some(let file): "; the first \(file.count) bytes are in \(file.path)"
            }
        return "\n[… \(leftOut) characters left out\(place) …]\n"
    }

    private mutating func take(_ text: [UInt8]) {
        characters += text.characterCount
        if isOverLimit {
            tail += text
            shorten()
            return
        }
        head += text
        guard characters > limit else { return }
        isOverLimit = true
        bytes.withUnsafeBytes { spill.append($0) }
        bytes = []
        let cut = head.offset(ofCharacter: limit / 2)
        tail = Array(head[cut...])
        head.removeSubrange(cut...)
        shorten()
    }

    /// Lets go of what cannot belong to the end any more, not at every piece.
    private mutating func shorten() {
        let most = 4 * (limit - limit / 2)
        guard tail.count > 2 * most else { return }
        tail = Array(tail.suffix(characters: limit - limit / 2))
    }
}

/// Decodes UTF-8 that comes in pieces.
struct UTF8Pieces {
    private(set) var isLossy = false
    /// The beginning of a character.
    private var pending: [UInt8] = []

    /// Correct UTF-8 of everything but an unfinished last character.
    mutating func decode(_ piece: UnsafeRawBufferPointer) -> [UInt8] {
        var text = pending
        text.append(contentsOf: piece)
        let complete = text.count - Self.unfinishedCount(text)
        pending = Array(text[complete...])
        text.removeSubrange(complete...)
        return repaired(text)
    }

    mutating func finish() -> [UInt8] {
        defer { pending = [] }
        return repaired(pending)
    }

    private mutating func repaired(_ bytes: [UInt8]) -> [UInt8] {
        guard String(validating: bytes, as: UTF8.self) == nil else { return bytes }
        isLossy = true
        return Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    /// How many bytes at the end begin a character whose rest is missing.
    private static func unfinishedCount(_ bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let byte = bytes[bytes.count - count]
            let length =
                switch byte {
                case 0xC2...0xDF: 2
                case 0xE0...0xEF: 3
                case 0xF0...0xF4: 4
                default: 1
                }
            if length > count { return count }
            if byte & 0xC0 != 0x80 { return 0 }
        }
        return 0
    }
}

/// A file that takes the beginning of what is written to it.
private struct SpillFile: ~Copyable {
    struct Written {
        var path: String
        var count: Int
        var isWhole: Bool
    }

    private let path: String
    private let limit: Int
    private let quota: OutputQuota?
    private var descriptor: Int32?
    private var count = 0
    private var isWhole = true

    init(path: String, limit: Int, quota: OutputQuota?) {
        self.path = path
        self.limit = limit
        self.quota = quota
    }

    deinit {
        guard let descriptor else { return }
        close(descriptor)
        quota?.complete(path, count)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard isWhole else { return }
        let wanted = min(bytes.count, limit - count)
        let room = quota?.take(wanted) ?? wanted
        if descriptor == nil, room > 0 { create() }
        guard let descriptor else {
            isWhole = false
            return
        }
        isWhole = room == bytes.count
        var done = 0
        while done < room {
            let written = write(descriptor, bytes.baseAddress.map { $0 + done }, room - done)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                isWhole = false
                break
            }
            done += written
        }
        count += done
    }

    private mutating func create() {
        // Without the file the text is merely shorter.
        if let directory = Directories.parent(of: path) {
            try? Directories.create(directory)  // opening the file reports what is missing
            guard FileOwnership.problem(of: directory, .directory) == nil,
                !(Directories.parent(of: directory).map(FileOwnership.isLink) ?? false)
            else { return }
        }
        let new = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if new >= 0 { descriptor = new }
    }

    mutating func finish() -> Written? {
        guard let descriptor else { return nil }
        close(descriptor)
        self.descriptor = nil
        quota?.complete(path, count)
        return Written(path: path, count: count, isWhole: isWhole)
    }
}

/// Of correct UTF-8.
extension Array where Element == UInt8 {
    fileprivate var characterCount: Int {
        var count = 0
        for byte in self where byte & 0xC0 != 0x80 { count &+= 1 }
        return count
    }

    /// The offset of the character that has `number` others before it.
    fileprivate func offset(ofCharacter number: Int) -> Int {
        var seen = 0
        for (offset, byte) in enumerated() where byte & 0xC0 != 0x80 {
            if seen == number { return offset }
            seen += 1
        }
        return count
    }

    fileprivate func suffix(characters number: Int) -> ArraySlice<UInt8> {
        var seen = 0
        for offset in indices.reversed() where self[offset] & 0xC0 != 0x80 {
            seen += 1
            if seen == number { return self[offset...] }
        }
        return self[...]
    }
}
