import FoundationEssentials
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct WriteFile {
    @Test func filesAreWrittenWithTheirDirectories() async throws {
        try await withProject { (project) async throws in
            #expect(
                try await project.write.result(["path": "a/b/c.txt", "content": "hällo\n"])
                    == ["path": "a/b/c.txt", "bytes": 7, "created": true])
            #expect(try project.text("a/b/c.txt") == "hällo\n")
            #expect(
                try await project.write.result(["path": "./a//b/../b/c.txt", "content": ""])
                    == ["path": "a/b/c.txt", "bytes": 0, "created": false])
            #expect(try project.text("a/b/c.txt") == "")
            #expect(try FileManager.default.contentsOfDirectory(atPath: project.root + "/a/b") == ["c.txt"])
        }
    }

    @Test func permissionsAreKeptAndNewFilesAreOrdinary() async throws {
        try await withProject { project in
            try project.put("run.sh", "x")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: project.root + "/run.sh")
            _ = try await project.write.result(["path": "run.sh", "content": "y"])
            _ = try await project.write.result(["path": "new", "content": "y"])
            #expect(try project.mode("run.sh") == 0o755)
            #expect(try project.mode("new") == 0o644)
        }
    }

    @Test func whatIsNoFileIsRefused() async throws {
        try await withProject { project in
            try project.put("folder/file", "x")
            #expect(
                await project.write.failure(["path": "folder", "content": ""])
                    == .executionFailed("\"folder\" is a directory"))
            #expect(
                await project.write.failure(["path": "folder/file/below", "content": ""])
                    == .executionFailed("\"folder/file/below\": Not a directory"))
        }
    }

    @Test func contentHasALimit() async throws {
        try await withProject { (project) async throws in
            let content = String(repeating: "x", count: 10_000_001)
            #expect(
                await project.write.failure(["path": "f", "content": .string(content)])
                    == .invalidArguments("the content has 10000001 bytes; more than 10000000 are not written"))
        }
    }

    @Test func effectsAreToldTruly() {
        let project = Project(outside: "/")
        let tools: [any Tool] = [project.read, project.write, project.edit, project.list]
        #expect(tools.map(\.effect) == [.pure, .idempotent, .once, .pure])
    }
}
