internal import MeerkatIO

/// Some lines of a text that comes in parts of any size, and nothing else of it.
struct LineWindow {
    /// The lines, with their ends.
    private(set) var content: [UInt8] = []
    /// The last line in the content; the one before the first when there is none.
    private(set) var lastLine: Int
    /// How many lines there have been, an unfinished one included.
    private(set) var lineCount = 0
    /// Whether something follows the content.
    private(set) var hasMore = false
    /// A line that is in the content with its start only.
    private(set) var cutLine: Int?
    /// Whether there was a NUL byte in what was looked at.
    private(set) var isBinary = false

    private static let sniffed = 8192

    private let first: Int
    private let firstAfter: Int
    private let maxCharacters: Int
    private var characters = 0
    /// The line that is being read, when it is wanted.
    private var line: [UInt8] = []
    private var isInLine = false
    private var isFull = false
    private var byteCount = 0

    /// - Parameters:
    ///   - first: the first line, from 1.
    ///   - count: most lines.
    ///   - maxCharacters: most Unicode scalars; lines that do not fit as a whole are left out.
    init(first: Int, count: Int, maxCharacters: Int) {
        self.first = first
        self.maxCharacters = maxCharacters
        let (end, overflow) = first.addingReportingOverflow(count)
        firstAfter = overflow ? .max : end
        lastLine = first - 1
    }

    mutating func take(_ part: UnsafeRawBufferPointer) {
        if byteCount < Self.sniffed, part.prefix(Self.sniffed - byteCount).contains(0) { isBinary = true }
        byteCount += part.count
        var start = 0
        while start < part.count, !isBinary {
            let feed = part.position(of: 0x0A, from: start)
            let stop = feed.map { $0 + 1 } ?? part.count
            if !isInLine { lineCount += 1 }
            isInLine = feed == nil
            if lineCount >= first { keep(UnsafeRawBufferPointer(rebasing: part[start..<stop])) }
            if feed != nil { endLine() }
            start = stop
        }
    }

    /// Tells that nothing follows.
    mutating func finish() {
        endLine()
    }

    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        guard !isFull, lineCount < firstAfter else {
            hasMore = true
            return
        }
        if piece.contains(0) { isBinary = true }
        line.append(contentsOf: piece)
        characters += piece.count { $0 & 0xC0 != 0x80 }
        guard characters > maxCharacters else { return }
        isFull = true
        hasMore = true
        if content.isEmpty {
            cutLine = lineCount
            lastLine = lineCount
            content = Array(line.prefix(scalars: maxCharacters))
        }
        line = []
    }

    private mutating func endLine() {
        guard !line.isEmpty else { return }
        content += line
        line.removeAll(keepingCapacity: true)
        lastLine = lineCount
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// As many whole Unicode scalars from the start; for text in UTF-8.
    func prefix(scalars limit: Int) -> SubSequence {
        var count = 0
        for index in indices where self[index] & 0xC0 != 0x80 {
            if count == limit { return self[startIndex..<index] }
            count += 1
        }
        return self[startIndex..<endIndex]
    }
}
