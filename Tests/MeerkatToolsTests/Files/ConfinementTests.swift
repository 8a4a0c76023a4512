import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

/// Nothing that a model says makes the file tools leave the project.
@Suite struct Confinement {
    /// Links that `withLinks` makes.
    private func withLinks(_ body: (Project) async throws -> Void) async throws {
        try await withProject { project in
            try project.put("inside/file", "inside\n")
            try project.link("file-out", to: "../secret")
            try project.link("file-out-absolute", to: project.outside + "/secret")
            try project.link("folder-out", to: "../other")
            try project.link("root-out", to: "/")
            try project.link("dangling-in", to: "inside/nothing")
            try project.link("dangling-out", to: "../other/nothing")
            try project.link("dangling-folder", to: "nowhere")
            try project.link("chain", to: "inside/link-out")
            try project.link("inside/link-out", to: "../../secret")
            try project.link("loop", to: "loop")
            try project.link("up", to: "..")
            try await body(project)
        }
    }

    @Test(arguments: [
        "../secret", "inside/../../secret", "./../secret", "file-out", "file-out-absolute", "root-out/etc/passwd",
        "folder-out/../secret", "chain", "up/secret", "/etc/passwd", "/dev/null", "/proc/self/mem", "/proc/self/cwd/x",
        "../project-2/x", "../../../../../../../../../../etc/passwd", "up/project/../secret",
    ])
    func pathsThatLeadOutsideAreRefused(path: String) async throws {
        try await withLinks { (project) async throws in
            let error = ToolError.accessDenied(
                "\"\(path)\" is outside of the session's directory, which this tool does not leave")
            #expect(await project.read.failure(["path": .string(path)]) == error)
            #expect(await project.write.failure(["path": .string(path), "content": "x"]) == error)
            #expect(
                await project.edit.failure(["path": .string(path), "old_text": "top", "new_text": "x"]) == error)
            #expect(await project.list.failure(["path": .string(path)]) == error)
        }
    }

    @Test(arguments: [
        ("../other/new", "outside"), ("folder-out/new", "outside"), ("root-out/tmp/meerkat-new", "outside"),
        ("/tmp/meerkat-new", "outside"), ("dangling-in", "symbolic link"), ("dangling-out", "outside"),
        ("dangling-folder/new", "symbolic link"), ("loop", "too many symbolic links"),
        ("loop/new", "too many symbolic links"), ("up/new", "outside"),
        ("inside/missing/../../../other/new", "no file"),
    ])
    func newFilesAreNotMadeOutside(path: String, reason: String) async throws {
        try await withLinks { (project) async throws in
            let error = await project.write.failure(["path": .string(path), "content": "x"])
            #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
            #expect(!Directories.fileExists("/tmp/meerkat-new"))
            #expect(!Directories.fileExists(project.root + "/inside/nothing"))
            #expect(!Directories.fileExists(project.root + "/nowhere"))
        }
    }

    @Test func linksInsideAreFollowedAndKept() async throws {
        try await withProject { project in
            try project.put("a/b/file", "one\n")
            try project.link("relative", to: "a/b/file")
            try project.link("absolute", to: project.root + "/a/b/file")
            try project.link("folder", to: "a/b")
            try project.link("a/b/back", to: "../../a/./b/../b")
            for path in ["relative", "absolute", "folder/file", "folder/back/back/file", project.root + "/a/b/file"] {
                #expect(
                    try await project.read.result(["path": .string(path)]) == [
                        "path": "a/b/file", "content": "one\n", "first_line": 1, "last_line": 1, "total_lines": 1,
                        "truncated": false,
                    ])
            }
            #expect(
                try await project.write.result(["path": "relative", "content": "two\n"])
                    == ["path": "a/b/file", "bytes": 4, "created": false])
            #expect(
                try await project.edit.result(["path": "absolute", "old_text": "two", "new_text": "three"])
                    == ["path": "a/b/file", "replacements": 1, "first_line": 1])
            #expect(
                try await project.write.result(["path": "folder/new/file", "content": ""])
                    == ["path": "a/b/new/file", "bytes": 0, "created": true])
            #expect(try project.text("a/b/file") == "three\n")
            let links = try ["relative", "absolute"].map {
                try FileManager.default.destinationOfSymbolicLink(atPath: project.root + "/" + $0)
            }
            #expect(links == ["a/b/file", project.root + "/a/b/file"])
        }
    }

    @Test(arguments: [
        ".git/config", ".git/hooks/post-commit", ".GIT/config", "sub/.git/config", "git-link/config", ".git",
        "sub/../.git/config", ".rkat/config.toml", "sub/.rkat/config.toml", ".rkat", "nothing/.Rkat/x",
    ])
    func whatOtherProgramsTrustIsNotWritten(path: String) async throws {
        try await withProject { project in
            try project.put(".git/config", "[core]\n")
            try project.put("sub/.git/config", "[core]\n")
            try project.link("git-link", to: ".git")
            let edit: JSONValue = ["path": .string(path), "old_text": "[core]", "new_text": "x"]
            for error in [
                await project.write.failure(["path": .string(path), "content": "x"]), await project.edit.failure(edit),
            ] {
                #expect(error?.code == "access_denied")
                #expect(error?.message.contains("is trusted by other programs") == true)
            }
            #expect(try project.text(".git/config") == "[core]\n")
            #expect(!Directories.fileExists(project.root + "/.rkat"))
            #expect(!Directories.fileExists(project.root + "/nothing"))
            #expect(try await project.read.result(["path": ".git/config"])["content"] == "[core]\n")
        }
    }

    @Test func aTrustedDirectoryElsewhereIsNotWrittenEither() async throws {
        try await withProject { project in
            try project.put("store/config.toml", "x")
            try project.link(".rkat", to: "store")
            for path in [".rkat/config.toml", "store/config.toml", "store/new"] {
                let error = await project.write.failure(["path": .string(path), "content": "y"])
                #expect(error?.code == "access_denied")
            }
            #expect(try await project.write.result(["path": "store2", "content": ""])["created"] == true)
        }
    }

    @Test func specialFilesAreRefusedAtOnce() async throws {
        try await withProject { (project) async throws in
            #expect(mkfifo(project.root + "/pipe", 0o644) == 0)
            let error = ToolError.executionFailed("\"pipe\" is no regular file but a pipe, a socket or a device")
            #expect(await project.read.failure(["path": "pipe"]) == error)
            #expect(
                await project.write.failure(["path": "pipe", "content": ""])
                    == .executionFailed("\"pipe\" is no regular file"))
            #expect(
                await project.edit.failure(["path": "pipe", "old_text": "a", "new_text": "b"])
                    == .executionFailed("\"pipe\" is no regular file"))
            let devices = FileScope(root: "/dev")
            #expect(
                await ReadFileTool(scope: devices).failure(["path": "zero"])
                    == .executionFailed("\"zero\" is no regular file but a pipe, a socket or a device"))
            #expect(
                await WriteFileTool(scope: devices).failure(["path": "null", "content": ""])
                    == .executionFailed("\"null\" is no regular file"))
        }
    }

    @Test func furtherDirectoriesAreForReadingOnly() async throws {
        try await withProject { project in
            let scope = FileScope(root: project.root, readable: [project.outside + "/other"])
            let path = project.outside + "/other/output"
            #expect(await ReadFileTool(scope: scope).failure(["path": .string(path)])?.code == "execution_failed")
            try Data("spilled\n".utf8).write(to: URL(filePath: path))
            for name in [path, "../other/output"] {
                #expect(
                    try await ReadFileTool(scope: scope).result(["path": .string(name)]) == [
                        "path": .string(path), "content": "spilled\n", "first_line": 1, "last_line": 1,
                        "total_lines": 1, "truncated": false,
                    ])
                let error = await WriteFileTool(scope: scope).failure(["path": .string(name), "content": ""])
                #expect(error?.code == "access_denied")
            }
            #expect(
                await ReadFileTool(scope: scope).failure(["path": .string(project.outside + "/other/../secret")])?.code
                    == "access_denied")
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func whatIsHiddenIsOutOfReachUnderEveryName() async throws {
        try await withProject { project in
            try project.put("state/sessions/meerkat.db", "journal")
            try project.put("settings.toml", "key")
            try project.link("alias", to: "state")
            try project.link("alias.toml", to: "settings.toml")
            #expect(link(project.root + "/settings.toml", project.root + "/twin.toml") == 0)
            try project.put("open", "x")
            let hidden = [project.root + "/alias", project.root + "/settings.toml", project.root + "/later"]
            let scope = FileScope(root: project.root, hidden: hidden)
            for path in ["state/sessions/meerkat.db", "alias/sessions/meerkat.db", "settings.toml", "twin.toml"] {
                #expect(await ReadFileTool(scope: scope).failure(["path": .string(path)])?.code == "access_denied")
                let error = await WriteFileTool(scope: scope).failure(["path": .string(path), "content": ""])
                #expect(error?.code == "access_denied", "\(path)")
            }
            #expect(await WriteFileTool(scope: scope).failure(["path": "state/new", "content": ""]) != nil)
            #expect(await ListFilesTool(scope: scope).failure(["path": "alias"])?.code == "access_denied")
            let found = try await SearchFilesTool(scope: scope).result(["pattern": "journal|key|x"])
            #expect(found["matches"]?.array?.compactMap { $0["path"]?.string } == ["open"])
            try project.put("later/file", "x")
            #expect(await ReadFileTool(scope: scope).failure(["path": "later/file"])?.code == "access_denied")

            for root in ["state", "alias/sessions"] {
                let inside = FileScope(root: project.root + "/" + root, hidden: hidden)
                #expect(await ListFilesTool(scope: inside).failure(["path": "."])?.code == "access_denied")
            }
            for name in ["state", "settings.toml", "twin.toml", "alias", "alias.toml", "open", "later"] {
                try FileManager.default.removeItem(atPath: project.root + "/" + name)
            }
        }
    }

    @Test func aRootMayHaveSeveralNames() async throws {
        try await withProject { project in
            try project.put("file", "x")
            try FileManager.default.createSymbolicLink(
                atPath: project.root + "/self", withDestinationPath: project.root)
            let scope = FileScope(root: project.root + "/self")
            for path in ["file", project.root + "/file", project.root + "/self/file", "self/self/file"] {
                #expect(try await ReadFileTool(scope: scope).result(["path": .string(path)])["path"] == "file")
            }
            #expect(
                try await WriteFileTool(scope: scope).result([
                    "path": .string(project.root + "/self/new"), "content": "",
                ])["path"] == "new")
        }
    }

    @Test func nonsenseIsRefused() async throws {
        try await withProject { (project) async throws in
            #expect(await project.read.failure(["path": ""]) == .invalidArguments("the path is empty"))
            #expect(
                await project.read.failure(["path": "a\0/../../secret"])
                    == .invalidArguments("the path holds a NUL character"))
            #expect(await project.read.failure(["path": "none"]) == .executionFailed("there is no file \"none\""))
            #expect(
                await project.write.failure(["path": "folder/", "content": ""])
                    == .invalidArguments("\"folder/\" names a directory"))
            let long = String(repeating: "n", count: 5000)
            let error = await project.write.failure(["path": .string(long), "content": ""])
            #expect(error?.message == "\"\(long.prefix(200))…\": File name too long")
        }
    }

    @Test func aSwappedDirectoryDoesNotLeadOutside() async throws {
        try await withProject { project in
            try project.put("folder/file", "inside\n")
            let root = DirectoryRoot(project.root)
            let found = try root.find("folder/file")
            try FileManager.default.moveItem(atPath: project.root + "/folder", toPath: project.root + "/moved")
            try project.link("folder", to: "../other")
            try found.directory.replace("file", with: Array("changed\n".utf8))
            #expect(try project.text("moved/file") == "changed\n")
        }
    }

    @Test func aLinkThatIsExchangedAllTheTimeDoesNotLeadOutside() async throws {
        try await withProject { project in
            try project.put("inside/file", "inside\n")
            try project.link("link", to: "inside")
            let writer = Task {
                while !Task.isCancelled {
                    _ = await project.write.failure(["path": "link/new/file", "content": "x"])
                    let read = try await project.read.result(["path": "inside/file"])
                    #expect(read["content"] == "inside\n")
                }
            }
            for number in 0..<500 {
                try project.link("next", to: number % 2 == 0 ? "../other" : "inside")
                #expect(rename(project.root + "/next", project.root + "/link") == 0)
                await Task.yield()
            }
            writer.cancel()
            do {
                try await writer.value
            } catch {
                #expect(error as? ToolError == .interrupted("reading was interrupted"))
            }
        }
    }
}
