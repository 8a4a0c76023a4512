import FoundationEssentials
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct EditFile {
    private func edit(_ old: String, _ new: String, all: Bool? = nil) -> JSONValue {
        [
            "path": "f", "old_text": .string(old), "new_text": .string(new),
            "replace_all": all.map { .bool($0) } ?? .null,
        ]
    }

    @Test func aTextIsReplacedWhereItIs() async throws {
        try await withProject { project in
            try project.put("f", "one\ntwo\nthree\n")
            #expect(
                try await project.edit.result(edit("two\nth", "2\nTH"))
                    == ["path": "f", "replacements": 1, "first_line": 2])
            #expect(try project.text("f") == "one\n2\nTHree\n")
            _ = try await project.edit.result(edit("one\n", ""))
            #expect(try project.text("f") == "2\nTHree\n")
        }
    }

    @Test func everyOccurrenceIsReplacedOnDemand() async throws {
        try await withProject { project in
            try project.put("f", "x\naaaaa\n")
            #expect(
                try await project.edit.result(edit("aa", "aaa", all: true))
                    == ["path": "f", "replacements": 2, "first_line": 2])
            #expect(try project.text("f") == "x\naaaaaaa\n")
        }
    }

    @Test func severalOccurrencesAreAnErrorThatNamesThem() async throws {
        try await withProject { project in
            try project.put("f", "a\nb\na\n")
            #expect(
                await project.edit.failure(edit("a", "c"))
                    == .executionFailed(
                        "old_text is 2 times in \"f\", at line 1, 3; give more of its surroundings or set replace_all"))
            try project.put("f", String(repeating: "a\n", count: 12))
            #expect(
                await project.edit.failure(edit("a", "c", all: false))
                    == .executionFailed(
                        "old_text is 12 times in \"f\", at line 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …; "
                            + "give more of its surroundings or set replace_all"))
        }
    }

    @Test(arguments: [
        ("    indented\n    twice\n", "line 2 differs in white space only: \"\tindented\n\ttwice\""),
        ("first\n\tindented\n\tthrice", "it is like line 1, but the file differs from line 3 on"),
        ("nothing like it", "read the file again"), ("   ", "it is only white space"),
    ])
    func whatIsNotThereIsExplained(old: String, hint: String) async throws {
        try await withProject { project in
            try project.put("f", "first\n\tindented\n\ttwice\n")
            #expect(
                await project.edit.failure(edit(old, "x")) == .executionFailed("old_text is not in \"f\"; \(hint)"))
        }
    }

    @Test func charactersAreComparedByTheirBytes() async throws {
        try await withProject { project in
            try project.put("f", "e\u{301}")
            #expect(await project.edit.failure(edit("\u{E9}", "x"))?.code == "execution_failed")
            _ = try await project.edit.result(edit("\u{301}", "!"))
            #expect(try project.text("f") == "e!")
        }
    }

    @Test func lineEndsOfTheFileAreKept() async throws {
        try await withProject { project in
            try project.put("f", "one\r\ntwo\r\nthree\r\n")
            #expect(
                try await project.edit.result(edit("one\ntwo", "1\n\n2"))
                    == ["path": "f", "replacements": 1, "first_line": 1])
            #expect(try project.text("f") == "1\r\n\r\n2\r\nthree\r\n")
            _ = try await project.edit.result(edit("2\r\nthree", "x\r\ny\nz"))
            #expect(try project.text("f") == "1\r\n\r\nx\r\ny\r\nz\r\n")
            try project.put("f", "mixed\r\nends\n")
            _ = try await project.edit.result(edit("ends\n", "a\nb\n"))
            #expect(try project.text("f") == "mixed\r\na\nb\n")
        }
    }

    @Test func nonsenseIsRefused() async throws {
        try await withProject { project in
            try project.put("f", "x")
            #expect(
                await project.edit.failure(edit("", "x"))
                    == .invalidArguments("old_text is empty; write_file writes new files"))
            #expect(
                await project.edit.failure(edit("x", "x"))
                    == .invalidArguments("old_text and new_text are the same"))
            #expect(
                await project.edit.failure(["path": "none", "old_text": "a", "new_text": "b"])
                    == .executionFailed("there is no file \"none\""))
            try project.put("f", [UInt8](repeating: 0x61, count: 10_000_001))
            #expect(
                await project.edit.failure(edit("b", "x"))
                    == .executionFailed("\"f\" has 10000001 bytes; files above 10000000 are not edited"))
        }
    }

    @Test func permissionsAreKept() async throws {
        try await withProject { project in
            try project.put("f", "x")
            try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: project.root + "/f")
            _ = try await project.edit.result(edit("x", "y"))
            #expect(try project.mode("f") == 0o750)
        }
    }

    @Test func editsAtTheSameTimeAreAllMade() async throws {
        try await withProject { project in
            try project.put("f", (0..<20).map { "<\($0)>\n" }.joined())
            try await withThrowingTaskGroup { group in
                for number in 0..<20 {
                    group.addTask { _ = try await project.edit.result(edit("<\(number)>", "[\(number)]")) }
                }
                try await group.waitForAll()
            }
            #expect(try project.text("f") == (0..<20).map { "[\($0)]\n" }.joined())
        }
    }
}
