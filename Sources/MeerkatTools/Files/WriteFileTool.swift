public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON

/// Writes a whole file.
public struct WriteFileTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var path = ""
        var content = ""

        public init(from reader: inout JSONReader) throws(JSONError) {
            var path: String?
            var content: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "path": path = try reader.read()
                case "content": content = try reader.read()
                default: break
                }
            }
            self.path = try reader.require(path, "path")
            self.content = try reader.require(content, "content")
        }
    }

    /// Largest file that the tools write or change.
    static let maxBytes = 10_000_000
    /// Permissions of new files, less what the process masks out.
    private static let newFileMode: UInt32 = 0o644

    public let definition = ToolDefinition(
        name: "write_file",
        description: """
            Writes a file of the project, in place of the old one if there is one. Missing directories are created. \
            edit_file is better for changing a part of a file.
            """,
        inputSchema: .schema([
            "path": .string("The file, relative to the working directory or absolute").required,
            "content": .string("The whole new content, 10 MB at most").required,
        ]))

    private let scope: FileScope

    public init(scope: FileScope) {
        self.scope = scope
    }

    public var effect: ToolEffect { .idempotent }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        try await Blocking.runTool { () throws(ToolError) in .json(try write(arguments)) }
    }

    private func write(_ arguments: Arguments) throws(ToolError) -> JSONObject {
        let bytes = Array(arguments.content.utf8)
        guard bytes.count <= Self.maxBytes else {
            throw .invalidArguments("the content has \(bytes.count) bytes; more than \(Self.maxBytes) are not written")
        }
        guard !arguments.path.hasSuffix("/") else {
            throw .invalidArguments("\"\(arguments.path.quoted)\" names a directory")
        }
        let place = try scope.toWrite(arguments.path)
        try FileChanges.alone(place.key) { () throws(ToolError) in
            try Self.replace(place, with: bytes, arguments.path)
        }
        return [
            "path": .string(place.shown), "bytes": .integer(bytes.count), "created": .bool(place.found.kind == nil),
        ]
    }

    static func replace(_ place: FileScope.Place, with bytes: [UInt8], _ path: String) throws(ToolError) {
        do throws(SystemError) {
            try place.found.creatingParent().replace(place.found.name ?? "", with: bytes, mode: newFileMode)
        } catch {
            throw FileScope.failure(error, path)
        }
    }
}
