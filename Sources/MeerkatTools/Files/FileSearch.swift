internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A search through files one after the other, until enough is found.
struct FileSearch: ~Copyable {
    /// A line that matches.
    fileprivate struct Match: JSONWritable {
        var path: String
        var line: Int
        var text: String
        /// The lines around it; nil when nobody asked.
        var before: [String]?
        var after: [String]?

        func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("path", path)
                writer.member("line", line)
                writer.member("text", text)
                writer.member("before", before)
                writer.member("after", after)
            }
        }
    }

    struct Result: JSONWritable {
        fileprivate var matches: [Match]
        fileprivate var isTruncated: Bool
        fileprivate var tooLarge: Int
        fileprivate var isExhausted: Bool

        func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("matches", matches)
                writer.member("truncated", isTruncated)
                if let note { writer.member("note", note) }
            }
        }

        private var note: String? {
            var notes: [String] = []
            if tooLarge > 0 { notes.append("files above 10 MB that were not searched: \(tooLarge)") }
            if isExhausted {
                notes.append("the search stopped because the pattern takes too long; use a simpler one or fewer files")
            }
            return notes.isEmpty ? nil : notes.joined(separator: "; ")
        }
    }

    /// Larger files are passed over.
    static let maxFileSize = 10_000_000
    /// Most bytes of lines in a result.
    static let maxText = 100_000
    /// Longer lines are cut.
    static let maxLineCharacters = 500
    private static let sniffed = 8192
    /// Lines between two looks at whether anyone still waits.
    private static let linesAtOnce = 1000

    private var matcher: LineMatcher
    private let limit: Int
    private let context: Int
    private var matches: [Match] = []
    private var textCount = 0
    private var tooLarge = 0
    /// Whether something was left out.
    var isTruncated = false

    init(_ matcher: consuming LineMatcher, limit: Int, context: Int) {
        self.matcher = matcher
        self.limit = limit
        self.context = context
    }

    /// What the model gets.
    var result: Result {
        Result(matches: matches, isTruncated: isTruncated, tooLarge: tooLarge, isExhausted: matcher.isExhausted)
    }

    /// Looks through one file.
    ///
    /// - Throws: ``ToolError/interrupted(_:)`` when the task is cancelled.
    mutating func search(_ file: OpenFile, shown path: String) throws(ToolError) {
        guard file.stamp.size <= Self.maxFileSize else {
            tooLarge += 1
            return
        }
        // What cannot be read is passed over like what is no text.
        guard let bytes = try? file.readAll(limit: Self.maxFileSize) else { return }
        try bytes.withBytes { (text) throws(ToolError) in
            guard !text.prefix(Self.sniffed).contains(0), matcher.canMatch(in: text) else { return }
            try search(text, path)
        }
    }

    private mutating func search(_ text: UnsafeRawBufferPointer, _ path: String) throws(ToolError) {
        var number = 0
        var start = 0
        while start < text.count {
            number += 1
            if number % Self.linesAtOnce == 0 { try Self.checkCancellation() }
            let end = text.position(of: 0x0A, from: start) ?? text.count
            let line = UnsafeRawBufferPointer(rebasing: text[start..<end])
            guard let isMatch = matcher.matches(line, isInterrupted: { Task.isCancelled }) else {
                try Self.checkCancellation()
                if matcher.isExhausted {
                    isTruncated = true
                    return
                }
                throw .executionFailed("the pattern takes too long on line \(number) of \"\(path.quoted)\"")
            }
            if isMatch {
                guard matches.count < limit, textCount < Self.maxText else {
                    isTruncated = true
                    return
                }
                add(text, start..<end, Match(path: path, line: number, text: Self.shown(line)))
            }
            start = end + 1
        }
    }

    static func checkCancellation() throws(ToolError) {
        guard !Task.isCancelled else { throw .interrupted("the search was interrupted") }
    }

    private mutating func add(_ text: UnsafeRawBufferPointer, _ range: Range<Int>, _ match: Match) {
        var match = match
        if context > 0 {
            match.before = Self.lines(before: range.lowerBound, in: text, count: context)
            match.after = Self.lines(after: range.upperBound, in: text, count: context)
        }
        textCount += match.text.utf8.count
        for line in (match.before ?? []) + (match.after ?? []) { textCount += line.utf8.count }
        matches.append(match)
    }

    private static func lines(before start: Int, in text: UnsafeRawBufferPointer, count: Int) -> [String] {
        var lines: [String] = []
        var end = start - 1
        while lines.count < count, end >= 0 {
            let begin = text[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            lines.append(shown(UnsafeRawBufferPointer(rebasing: text[begin..<end])))
            end = begin - 1
        }
        return lines.reversed()
    }

    private static func lines(after end: Int, in text: UnsafeRawBufferPointer, count: Int) -> [String] {
        var lines: [String] = []
        var start = end + 1
        while lines.count < count, start < text.count {
            let end = text.position(of: 0x0A, from: start) ?? text.count
            lines.append(shown(UnsafeRawBufferPointer(rebasing: text[start..<end])))
            start = end + 1
        }
        return lines
    }

    /// A line without its end, cut between characters when it is long.
    private static func shown(_ line: UnsafeRawBufferPointer) -> String {
        let whole = line.last == 0x0D ? line[..<(line.count - 1)] : line[...]
        let cut = whole.prefix(maxLineCharacters * 4).prefix(scalars: maxLineCharacters)
        return String(decoding: cut, as: UTF8.self) + (cut.count < whole.count ? "…" : "")
    }
}
