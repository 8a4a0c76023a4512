public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON

/// Reads a text file, or some of its lines.
public struct ReadFileTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var path = ""
        /// The first line, from 1.
        var offset: Int?
        var limit: Int?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var path: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "path": path = try reader.read()
                case "offset": offset = try reader.readOptional()
                case "limit": limit = try reader.readOptional()
                default: break
                }
            }
            self.path = try reader.require(path, "path")
        }
    }

    static let maxLines = 2000
    static let maxCharacters = 100_000
    /// Larger files are not read to their end only to count their lines.
    static let countedSize: Int64 = 64 << 20

    public let definition = ToolDefinition(
        name: "read_file",
        description: """
            Reads a text file of the project: 2000 lines or 100000 characters at most, further ones with offset. The \
            content is exact, with its line ends and without line numbers.
            """,
        inputSchema: .schema([
            "path": .string("The file, relative to the working directory or absolute").required,
            "offset": .integer("The first line to read; 1 when absent", atLeast: 1),
            "limit": .integer("How many lines to read; 2000 when absent", atLeast: 1),
        ]))

    private let scope: FileScope

    public init(scope: FileScope) {
        self.scope = scope
    }

    public var effect: ToolEffect { .pure }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        try await Blocking.runTool { () throws(ToolError) in .json(try read(arguments)) }
    }

    private func read(_ arguments: Arguments) throws(ToolError) -> Result {
        let place = try scope.toRead(arguments.path)
        let file = try scope.open(place, arguments.path)
        let offset = max(arguments.offset ?? 1, 1)
        var window = LineWindow(
            first: offset, count: max(arguments.limit ?? Self.maxLines, 1), maxCharacters: Self.maxCharacters)
        let isCounted = file.stamp.size <= Self.countedSize
        let wasReadToEnd = try scan(file, arguments.path, into: &window, whole: isCounted)
        let lines = wasReadToEnd ? window.lineCount : nil
        if let lines, offset > max(lines, 1) {
            throw .executionFailed("\"\(arguments.path.quoted)\" has only \(lines) lines")
        }
        guard !window.isBinary, let content = String(validating: window.content, as: UTF8.self) else {
            throw .executionFailed(
                "\"\(arguments.path.quoted)\" is no text in UTF-8 but a binary file of \(file.stamp.size) bytes")
        }
        return Result(
            path: place.shown, content: content, firstLine: offset, lastLine: window.lastLine, totalLines: lines,
            isTruncated: window.hasMore, cutLine: window.cutLine)
    }

    /// Reads until nothing more is needed; true at the end of the file.
    private func scan(
        _ file: OpenFile, _ path: String, into window: inout LineWindow, whole: Bool
    ) throws(ToolError) -> Bool {
        let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
        defer { part.deallocate() }
        while true {
            guard !Task.isCancelled else { throw .interrupted("reading was interrupted") }
            let count: Int
            do throws(SystemError) { count = try file.read(into: part) } catch { throw FileScope.failure(error, path) }
            if count == 0 {
                window.finish()
                return true
            }
            window.take(UnsafeRawBufferPointer(rebasing: part[..<count]))
            if window.isBinary || window.hasMore && !whole { return false }
        }
    }

    /// What the model gets.
    private struct Result: JSONWritable {
        var path: String
        var content: String
        var firstLine: Int
        var lastLine: Int
        /// Nil when the file is too large to be counted.
        var totalLines: Int?
        /// Whether something follows.
        var isTruncated: Bool
        var cutLine: Int?

        func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("path", path)
                writer.member("content", content)
                writer.member("first_line", firstLine)
                writer.member("last_line", lastLine)
                writer.member("total_lines", totalLines.map { .integer($0) } ?? JSONValue.null)
                writer.member("truncated", isTruncated)
                if let cutLine {
                    writer.member("note", "line \(cutLine) is longer than can be shown; this is its start")
                }
            }
        }
    }
}
