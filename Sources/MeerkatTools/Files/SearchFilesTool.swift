public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON

/// Finds lines in files.
public struct SearchFilesTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var pattern = ""
        var path: String?
        var glob: String?
        var isCaseSensitive: Bool?
        var limit: Int?
        var context: Int?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var pattern: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "pattern": pattern = try reader.read()
                case "path": path = try reader.readOptional()
                case "glob": glob = try reader.readOptional()
                case "case_sensitive": isCaseSensitive = try reader.readOptional()
                case "limit": limit = try reader.readOptional()
                case "context": context = try reader.readOptional()
                default: break
                }
            }
            self.pattern = try reader.require(pattern, "pattern")
        }
    }

    static let usualLimit = 100
    static let maxLimit = 1000
    static let maxContext = 10

    public let definition = ToolDefinition(
        name: "search_files",
        description: """
            Finds the lines that match a regular expression in the text files of the project, except in .git. \
            Expressions are as in JavaScript, without look-around and back-references, and about single lines.
            """,
        inputSchema: .schema([
            "pattern": .string("The regular expression").required,
            "path": .string("The directory or file to search; the working directory when absent"),
            "glob": .string("Only files whose path is like this, for example *.swift or Sources/**/*.{c,h}"),
            "case_sensitive": .boolean("Whether upper and lower case differ; they do when absent"),
            "limit": .integer("Most lines; 100 when absent, 1000 at most", atLeast: 1),
            "context": .integer("How many lines before and after each to show as well; 10 at most"),
        ]))

    private let scope: FileScope

    public init(scope: FileScope) {
        self.scope = scope
    }

    public var effect: ToolEffect { .pure }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        try await Blocking.runTool { () throws(ToolError) in .json(try search(arguments)) }
    }

    private func search(_ arguments: Arguments) throws(ToolError) -> FileSearch.Result {
        let matcher = try LineMatcher(
            pattern: arguments.pattern, isCaseSensitive: arguments.isCaseSensitive ?? true)
        var search = FileSearch(
            matcher, limit: min(max(arguments.limit ?? Self.usualLimit, 1), Self.maxLimit),
            context: min(max(arguments.context ?? 0, 0), Self.maxContext))
        let glob: Glob? = if let pattern = arguments.glob { try Glob(pattern) } else { nil }
        let path = arguments.path ?? "."
        let place = try scope.toRead(path)
        if place.found.kind == .directory {
            try self.search(place, path, glob, &search)
        } else {
            try search.search(try scope.open(place, path), shown: place.shown)
        }
        return search.result
    }

    private func search(
        _ place: FileScope.Place, _ path: String, _ glob: Glob?, _ search: inout FileSearch
    ) throws(ToolError) {
        var walk: TreeWalk
        do throws(SystemError) {
            walk = try TreeWalk(place.found.directory, isRecursive: true)
        } catch {
            throw FileScope.failure(error, path)
        }
        while !search.isTruncated, let entry = try walk.next() {
            guard entry.status.kind == .file, glob?.matches(entry.path) ?? true else { continue }
            // What may not be read is passed over.
            guard let file = try? entry.directory.file(entry.name) else { continue }
            try search.search(file, shown: place.shown(entry.path))
        }
        if walk.isIncomplete { search.isTruncated = true }
    }
}
