public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON

/// Shows what is in a directory.
public struct ListFilesTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var path: String?
        var pattern: String?
        var isRecursive: Bool?
        var limit: Int?

        public init(from reader: inout JSONReader) throws(JSONError) {
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "path": path = try reader.readOptional()
                case "pattern": pattern = try reader.readOptional()
                case "recursive": isRecursive = try reader.readOptional()
                case "limit": limit = try reader.readOptional()
                default: break
                }
            }
        }
    }

    static let maxEntries = 1000

    public let definition = ToolDefinition(
        name: "list_files",
        description: """
            Lists the files in a directory of the project, sorted; directories end with a slash. Hidden files are \
            shown, .git is not.
            """,
        inputSchema: .schema([
            "path": .string("The directory; the working directory when absent"),
            "pattern": .string(
                "Only paths like this, for example *.swift or Sources/**/*.{c,h}; one with a slash is recursive"),
            "recursive": .boolean("Whether to show what is in the directories as well"),
            "limit": .integer("Most entries; 1000 when absent, which is also the most there are", atLeast: 1),
        ]))

    private let scope: FileScope

    public init(scope: FileScope) {
        self.scope = scope
    }

    public var effect: ToolEffect { .pure }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let glob: Glob? = if let pattern = arguments.pattern { try Glob(pattern) } else { nil }
        return try await Blocking.runTool { () throws(ToolError) in .json(try list(arguments, glob)) }
    }

    private func list(_ arguments: Arguments, _ glob: Glob?) throws(ToolError) -> Listing {
        let path = arguments.path ?? "."
        let place = try scope.toRead(path)
        guard place.found.kind == .directory else { throw .executionFailed("\"\(path.quoted)\" is no directory") }
        let isRecursive = arguments.isRecursive ?? false || glob?.isAnchored ?? false
        let limit = min(max(arguments.limit ?? Self.maxEntries, 1), Self.maxEntries)
        var walk: TreeWalk
        do throws(SystemError) {
            walk = try TreeWalk(place.found.directory, isRecursive: isRecursive)
        } catch {
            throw FileScope.failure(error, path)
        }
        var listing = Listing(path: place.shown)
        while let entry = try walk.next() {
            guard glob?.matches(entry.path) ?? true else { continue }
            guard listing.entries.count < limit else {
                listing.isTruncated = true
                break
            }
            listing.entries.append(Listing.Entry(entry, shown: place.shown(entry.path)))
        }
        if walk.isIncomplete { listing.isTruncated = true }
        return listing
    }
}

/// What the model gets to see of a directory.
private struct Listing: JSONWritable {
    struct Entry: JSONWritable {
        var path: String
        /// Of a file.
        var size: Int64?
        /// Where a symbolic link leads.
        var link: String?

        init(_ entry: TreeWalk.Entry, shown: String) {
            path = entry.status.kind == .directory ? shown + "/" : shown
            size = entry.status.kind == .file ? entry.status.size : nil
            // A link that has just disappeared is shown without its target.
            link = entry.status.kind == .link ? (try? entry.directory.linkTarget(entry.name)) ?? "" : nil
        }

        func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("path", path)
                writer.member("size", size)
                writer.member("link", link)
            }
        }
    }

    var path: String
    var entries: [Entry] = []
    var isTruncated = false

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("path", path)
            writer.member("entries", entries)
            writer.member("truncated", isTruncated)
        }
    }
}
