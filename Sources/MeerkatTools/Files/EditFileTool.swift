public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON

/// Replaces a text in a file by another.
public struct EditFileTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var path = ""
        var oldText = ""
        var newText = ""
        var replacesAll = false

        public init(from reader: inout JSONReader) throws(JSONError) {
            var path: String?
            var oldText: String?
            var newText: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "path": path = try reader.read()
                case "old_text": oldText = try reader.read()
                case "new_text": newText = try reader.read()
                case "replace_all": replacesAll = try reader.readOptional() ?? false
                default: break
                }
            }
            self.path = try reader.require(path, "path")
            self.oldText = try reader.require(oldText, "old_text")
            self.newText = try reader.require(newText, "new_text")
        }
    }

    private static let attempts = 5

    public let definition = ToolDefinition(
        name: "edit_file",
        description: """
            Replaces old_text by new_text in a file of the project. old_text must be exactly what the file holds, white \
            space included, and occur once unless replace_all is set; give enough of its surroundings.
            """,
        inputSchema: .schema([
            "path": .string("The file, relative to the working directory or absolute").required,
            "old_text": .string("The text to replace").required,
            "new_text": .string("What to put in its place").required,
            "replace_all": .boolean("Whether to replace every occurrence"),
        ]))

    private let scope: FileScope

    public init(scope: FileScope) {
        self.scope = scope
    }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        guard !arguments.oldText.isEmpty else {
            throw .invalidArguments("old_text is empty; write_file writes new files")
        }
        guard !arguments.oldText.utf8.elementsEqual(arguments.newText.utf8) else {
            throw .invalidArguments("old_text and new_text are the same")
        }
        return try await Blocking.runTool { () throws(ToolError) in
            let place = try scope.toWrite(arguments.path)
            return try FileChanges.alone(place.key) { () throws(ToolError) in .json(try edit(arguments)) }
        }
    }

    private func edit(_ arguments: Arguments) throws(ToolError) -> JSONObject {
        for _ in 0..<Self.attempts {
            let place = try scope.toWrite(arguments.path)
            let file = try scope.open(place, arguments.path)
            let edit = try Self.edit(try contents(file, arguments.path), arguments)
            // Other programs take no lock: what one of them has saved in the meantime must not be lost.
            guard place.found.directory.stamp(place.found.name ?? "") == file.stamp else { continue }
            try WriteFileTool.replace(place, with: edit.result, arguments.path)
            return [
                "path": .string(place.shown), "replacements": .integer(edit.places.count),
                "first_line": .integer(edit.lines.first ?? 0),
            ]
        }
        throw .executionFailed("\"\(arguments.path.quoted)\" is being changed by another program")
    }

    private func contents(_ file: OpenFile, _ path: String) throws(ToolError) -> [UInt8] {
        guard file.stamp.size <= WriteFileTool.maxBytes else {
            throw .executionFailed(
                "\"\(path.quoted)\" has \(file.stamp.size) bytes; files above \(WriteFileTool.maxBytes) are not edited")
        }
        do throws(SystemError) {
            return try file.readAll(limit: WriteFileTool.maxBytes)
        } catch {
            throw FileScope.failure(error, path)
        }
    }

    private static func edit(_ bytes: [UInt8], _ arguments: Arguments) throws(ToolError) -> TextEdit {
        let edit = TextEdit(bytes, replacing: arguments.oldText, by: arguments.newText)
        let path = arguments.path.quoted
        guard !edit.places.isEmpty else {
            throw .executionFailed("old_text is not in \"\(path)\"; \(NearMiss(of: edit.old, in: bytes).text)")
        }
        guard edit.places.count == 1 || arguments.replacesAll else {
            let lines = edit.lines.prefix(10).map(String.init).joined(separator: ", ")
            throw .executionFailed(
                "old_text is \(edit.places.count) times in \"\(path)\", at line \(lines)"
                    + (edit.places.count > 10 ? ", …" : "")
                    + "; give more of its surroundings or set replace_all")
        }
        guard edit.result.count <= WriteFileTool.maxBytes else {
            throw .executionFailed(
                "\"\(path)\" would have \(edit.result.count) bytes; more than \(WriteFileTool.maxBytes) are not written"
            )
        }
        return edit
    }
}
