import FoundationEssentials
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

/// A folder with some files, and the tools for it.
struct Project {
    /// The parent of the root, where nothing may be changed.
    let outside: String
    var root: String { outside + "/project" }
    var scope: FileScope { FileScope(root: root) }

    var read: ReadFileTool { ReadFileTool(scope: scope) }
    var write: WriteFileTool { WriteFileTool(scope: scope) }
    var edit: EditFileTool { EditFileTool(scope: scope) }
    var list: ListFilesTool { ListFilesTool(scope: scope) }
    var search: SearchFilesTool { SearchFilesTool(scope: scope) }

    func put(_ path: String, _ text: String) throws {
        try put(path, Array(text.utf8))
    }

    func put(_ path: String, _ bytes: [UInt8]) throws {
        let full = root + "/" + path
        try FileManager.default.createDirectory(
            atPath: String(full[..<(full.lastIndex(of: "/") ?? full.endIndex)]), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: full))
    }

    func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: root + "/" + path, withDestinationPath: target)
    }

    func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: root + "/" + path)), as: UTF8.self)
    }

    func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: root + "/" + path)[.posixPermissions] as? Int
    }
}

/// Runs `body` with an empty project beside a file `secret` and a folder `other`.
func withProject<T>(_ body: (Project) async throws -> T) async throws -> T {
    try await withTemporaryDirectory { folder in
        let project = Project(outside: folder)
        try FileManager.default.createDirectory(atPath: project.root, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder + "/other", withIntermediateDirectories: true)
        try Data("top secret\n".utf8).write(to: URL(filePath: folder + "/secret"))
        let result = try await body(project)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["other", "project", "secret"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/other") == [])
        #expect(try Data(contentsOf: URL(filePath: folder + "/secret")) == Data("top secret\n".utf8))
        return result
    }
}
