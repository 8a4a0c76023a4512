import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct SearchFiles {
    private func lines(_ project: Project, _ arguments: JSONValue) async throws -> [String] {
        let matches = try await project.search.result(arguments)["matches"]?.array ?? []
        return matches.map { "\($0["path"]?.string ?? ""):\($0["line"]?.int ?? 0):\($0["text"]?.string ?? "")" }
    }

    @Test func linesAreFoundInOrder() async throws {
        try await withProject { project in
            try project.put("b.txt", "one\ntwo one\r\nthree")
            try project.put("a/x.swift", "let one = 1\n")
            try project.put(".git/config", "one\n")
            try project.put("binary", [0x6F, 0x6E, 0x65, 0])
            try project.link("link", to: "b.txt")
            #expect(
                try await project.search.result(["pattern": "one"]) == [
                    "matches": [
                        ["path": "a/x.swift", "line": 1, "text": "let one = 1"],
                        ["path": "b.txt", "line": 1, "text": "one"], ["path": "b.txt", "line": 2, "text": "two one"],
                    ],
                    "truncated": false,
                ])
            #expect(try await lines(project, ["pattern": "one", "glob": "*.swift"]) == ["a/x.swift:1:let one = 1"])
            #expect(try await lines(project, ["pattern": "one", "path": "a"]) == ["a/x.swift:1:let one = 1"])
            #expect(try await lines(project, ["pattern": "three$", "path": "b.txt"]) == ["b.txt:3:three"])
            #expect(try await lines(project, ["pattern": "three", "path": "link"]) == ["b.txt:3:three"])
        }
    }

    @Test(arguments: [
        (#"^\s+let \w+ = \d{2,}$"#, [2]), ("LET", []), ("a.c|x.z", [3, 4]), (#"a\.c"#, [3]), ("(ab)+c?d", [5]),
        ("", [1, 2, 3, 4, 5, 6]), ("ü", [6]), ("^.$", [6]), (#"\bb"#, [2]), ("[^ -~]", [6]),
    ])
    func expressionsAreUnderstood(pattern: String, expected: [Int]) async throws {
        try await withProject { project in
            try project.put("f", "let a = 1\n  let bcd = 22\na.c\nxyz\nababd\nü\n")
            let result = try await project.search.result(["pattern": .string(pattern)])
            #expect(result["matches"]?.array?.compactMap { $0["line"]?.int } == expected)
        }
    }

    @Test func caseIsIgnoredOnDemand() async throws {
        try await withProject { project in
            try project.put("f", "STRASSE\nÄpfel\nk\n")
            let search: (String) -> JSONValue = { ["pattern": .string($0), "case_sensitive": false] }
            #expect(try await lines(project, search("stra[s]{2}e")) == ["f:1:STRASSE"])
            #expect(try await lines(project, search("^ä[^F]")) == ["f:2:Äpfel"])
            #expect(try await lines(project, search("\u{212A}")) == ["f:3:k"])
            #expect(try await lines(project, ["pattern": "äpfel"]) == [])
        }
    }

    @Test func linesAroundAreShownOnDemand() async throws {
        try await withProject { project in
            try project.put("f", "1\n2\n3\nx\n5\r\n6\n")
            #expect(
                try await project.search.result(["pattern": "[1x]", "context": 2])["matches"] == [
                    ["path": "f", "line": 1, "text": "1", "before": [], "after": ["2", "3"]],
                    ["path": "f", "line": 4, "text": "x", "before": ["2", "3"], "after": ["5", "6"]],
                ])
        }
    }

    @Test func resultsAreBounded() async throws {
        try await withProject { project in
            try project.put("f", String(repeating: "x\n", count: 2000))
            for (limit, count): (JSONValue, Int) in [(nil, 100), (3, 3), (5000, 1000)] {
                let result = try await project.search.result(["pattern": "x", "limit": limit])
                #expect(result["matches"]?.array?.count == count)
                #expect(result["truncated"] == true)
            }
            try project.put("f", "x\nx\nx\n")
            #expect(try await project.search.result(["pattern": "x", "limit": 3])["truncated"] == false)
        }
    }

    @Test func longLinesAreCutBetweenCharacters() async throws {
        try await withProject { project in
            try project.put("f", "x" + String(repeating: "€", count: 600) + "\n")
            #expect(try await lines(project, ["pattern": "x"]) == ["f:1:x" + String(repeating: "€", count: 499) + "…"])
            try project.put("f", (1...1000).map { _ in String(repeating: "x", count: 2000) }.joined(separator: "\n"))
            let result = try await project.search.result(["pattern": "x", "limit": 1000])
            #expect(result["matches"]?.array?.count == 199)
            #expect(result["truncated"] == true)
        }
    }

    @Test func largeFilesArePassedOverAndCounted() async throws {
        try await withProject { project in
            try project.put("f", [UInt8](repeating: 0x78, count: 10_000_001))
            #expect(
                try await project.search.result(["pattern": "x"]) == [
                    "matches": [], "truncated": false, "note": "files above 10 MB that were not searched: 1",
                ])
        }
    }

    @Test func aSearchThatTakesTooManyStepsStops() async throws {
        try await withProject { project in
            try project.put("f", String(repeating: "aaaaaaaaaa\n", count: 1000))
            let file = try project.scope.open(try project.scope.toRead("f"), "f")
            var search = FileSearch(
                try LineMatcher(pattern: "(a|a)*b|a$", isCaseSensitive: true, maxSteps: 10_000), limit: 1000, context: 0
            )
            try search.search(file, shown: "f")
            let result = try JSONValue(json: search.result.jsonBytes)
            let found = try #require(result["matches"]?.array?.count)
            #expect(found > 0 && found < 1000)
            #expect(result["truncated"] == true)
            #expect(result["note"]?.string?.contains("takes too long") == true)
        }
    }

    @Test func anInterruptedSearchStopsWithinALine() async throws {
        try await withProject { project in
            try project.put("f", String(repeating: "a", count: 9_000_000))
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                let file = try project.scope.open(try project.scope.toRead("f"), "f")
                var search = FileSearch(
                    try LineMatcher(pattern: "(a|a)*b|c", isCaseSensitive: true), limit: 1, context: 0)
                try search.search(file, shown: "f")
            }
            await #expect(throws: ToolError.interrupted("the search was interrupted")) { try await task.value }
        }
    }

    @Test(arguments: ["(a+)+$", "(a|a)*b", "(a*)*c", "(.*)(.*)(.*)(.*)x"])
    func hostileExpressionsAreHarmless(pattern: String) async throws {
        try await withProject { project in
            try project.put("f", String(repeating: "a", count: 5000) + "!\n")
            #expect(try await lines(project, ["pattern": .string(pattern)]) == [])
        }
    }

    @Test(arguments: [
        ("(", "a group is not closed"), ("a{2", nil), ("[z-a]", "a range in a class is in the wrong order"),
        ("(?=a)", "look-ahead is not supported"), (#"(a)\1"#, "back-references are not supported"),
        ("*", "nothing to repeat at code point 1"),
    ])
    func whatIsNoExpressionIsExplained(pattern: String, reason: String?) async throws {
        try await withProject { (project) async throws in
            let error = await project.search.failure(["pattern": .string(pattern)])
            #expect(error == reason.map { .invalidArguments("the pattern \"\(pattern)\" is not understood: \($0)") })
        }
    }

    @Test func thePatternHasALimit() async throws {
        try await withProject { (project) async throws in
            let pattern = String(repeating: "x", count: 1001)
            #expect(
                await project.search.failure(["pattern": .string(pattern)])
                    == .invalidArguments("the pattern is longer than 1000 bytes"))
            #expect(
                await project.search.failure(["pattern": "x", "glob": .string(pattern)])?.code == "invalid_arguments")
        }
    }

    @Test(arguments: ["../secret", "../other", "/etc", "out"])
    func nothingOutsideIsSearched(path: String) async throws {
        try await withProject { project in
            try project.link("out", to: "/")
            #expect(await project.search.failure(["pattern": "x", "path": .string(path)])?.code == "access_denied")
            #expect(try await lines(project, ["pattern": "."]) == [])
        }
    }

    @Test func aCancelledSearchEnds() async throws {
        try await withProject { project in
            try project.put("f", "x")
            let call = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await project.search.failure(["pattern": "x"])
            }
            #expect(await call.value == .interrupted("the walk through the files was interrupted"))
        }
    }

    @Test func furtherDirectoriesAreSearchedByTheirPath() async throws {
        try await withProject { project in
            let folder = project.outside + "/other"
            try Data("spilled x\n".utf8).write(to: URL(filePath: folder + "/output"))
            let scope = FileScope(root: project.root, readable: [folder])
            #expect(
                try await SearchFilesTool(scope: scope).result(["pattern": "x", "path": .string(folder)])["matches"]
                    == [["path": .string(folder + "/output"), "line": 1, "text": "spilled x"]])
            try FileManager.default.removeItem(atPath: folder + "/output")
        }
    }
}
