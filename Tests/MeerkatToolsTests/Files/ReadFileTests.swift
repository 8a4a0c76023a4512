import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct ReadFile {
    private func result(
        _ content: String, _ lines: ClosedRange<Int>, of total: Int?, truncated: Bool = false, note: String? = nil
    ) -> JSONValue {
        var object: JSONObject = [
            "path": "f", "content": .string(content), "first_line": .integer(lines.lowerBound),
            "last_line": .integer(lines.upperBound),
            "total_lines": total.map { .integer($0) } ?? .null, "truncated": .bool(truncated),
        ]
        if let note { object["note"] = .string(note) }
        return .object(object)
    }

    @Test func contentIsExact() async throws {
        try await withProject { (project) async throws in
            for text in ["one\n", "one", "ä\r\n\r\n\tx", "\u{FEFF}\n\n\n", "a\rb"] {
                try project.put("f", text)
                let lines = text.utf8.count { $0 == 0x0A } + (text.utf8.last == 0x0A ? 0 : 1)
                #expect(try await project.read.result(["path": "f"]) == result(text, 1...lines, of: lines))
            }
        }
    }

    @Test func anEmptyFileHasNoLines() async throws {
        try await withProject { project in
            try project.put("f", "")
            #expect(
                try await project.read.result(["path": "f"]) == [
                    "path": "f", "content": "", "first_line": 1, "last_line": 0, "total_lines": 0, "truncated": false,
                ])
        }
    }

    @Test func someLinesAreRead() async throws {
        try await withProject { project in
            try project.put("f", (1...10).map { "\($0)\n" }.joined())
            #expect(
                try await project.read.result(["path": "f", "offset": 3, "limit": 2])
                    == result("3\n4\n", 3...4, of: 10, truncated: true))
            #expect(
                try await project.read.result(["path": "f", "offset": 9, "limit": 2])
                    == result("9\n10\n", 9...10, of: 10))
            #expect(
                try await project.read.result(["path": "f", "offset": 10, "limit": nil])
                    == result("10\n", 10...10, of: 10))
            #expect(
                await project.read.failure(["path": "f", "offset": 11])
                    == .executionFailed("\"f\" has only 10 lines"))
        }
    }

    @Test func longFilesAreReadInParts() async throws {
        try await withProject { project in
            try project.put("f", (1...5000).map { "\($0)\n" }.joined())
            let expected = (1...2000).map { "\($0)\n" }.joined()
            #expect(
                try await project.read.result(["path": "f"]) == result(expected, 1...2000, of: 5000, truncated: true))
            #expect(try await project.read.result(["path": "f", "offset": 4001])["last_line"] == 5000)
        }
    }

    @Test func linesThatDoNotFitAreLeftForLater() async throws {
        try await withProject { project in
            let line = String(repeating: "ü", count: 30_000)
            try project.put("f", [line, line, line, line].joined(separator: "\n"))
            #expect(
                try await project.read.result(["path": "f"])
                    == result(line + "\n" + line + "\n" + line + "\n", 1...3, of: 4, truncated: true))
            #expect(try await project.read.result(["path": "f", "offset": 4]) == result(line, 4...4, of: 4))
        }
    }

    @Test func aLineThatIsTooLongIsCutBetweenCharacters() async throws {
        try await withProject { project in
            try project.put("f", "a\n" + String(repeating: "€", count: 150_000) + "\nb\n")
            #expect(
                try await project.read.result(["path": "f", "offset": 2])
                    == result(
                        String(repeating: "€", count: 100_000), 2...2, of: 3, truncated: true,
                        note: "line 2 is longer than can be shown; this is its start"))
        }
    }

    @Test func binaryFilesAreRefused() async throws {
        try await withProject { project in
            try project.put("f", [0x50, 0x4B, 0, 1])
            let error = ToolError.executionFailed("\"f\" is no text in UTF-8 but a binary file of 4 bytes")
            #expect(await project.read.failure(["path": "f"]) == error)
            try project.put("f", [0x41, 0x0A, 0xE4, 0x0A])
            #expect(await project.read.failure(["path": "f"]) == error)
        }
    }

    @Test func directoriesAreRefused() async throws {
        try await withProject { (project) async throws in
            #expect(
                await project.read.failure(["path": "."])
                    == .executionFailed("\".\" is a directory; list_files shows what is in it"))
        }
    }

    @Test func hugeFilesAreNotReadToTheirEnd() async throws {
        try await withProject { project in
            try project.put("f", String(repeating: "line\n", count: 2000))
            let handle = try FileHandle(forWritingTo: URL(filePath: project.root + "/f"))
            try handle.truncate(atOffset: 1 << 40)
            try handle.close()
            #expect(
                try await project.read.result(["path": "f", "limit": 2])
                    == result("line\nline\n", 1...2, of: nil, truncated: true))
        }
    }

    @Test func aCancelledReadEnds() async throws {
        try await withProject { project in
            try project.put("f", "x")
            let call = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await project.read.failure(["path": "f"])
            }
            #expect(await call.value == .interrupted("reading was interrupted"))
        }
    }
}
