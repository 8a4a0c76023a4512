import FoundationEssentials
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct ListFiles {
    private func withTree(_ body: (Project) async throws -> Void) async throws {
        try await withProject { project in
            for path in [
                "b.swift", ".hidden", "Sources/A/a.swift", "Sources/A/a.c", "Sources/b.swift", "a-file", ".git/config",
                "Sources/.git/x", "docs/x.md",
            ] {
                try project.put(path, path)
            }
            try project.link("link", to: "../secret")
            try await body(project)
        }
    }

    private func paths(_ value: JSONValue) -> [String] {
        value["entries"]?.array?.compactMap { $0["path"]?.string } ?? []
    }

    @Test func aDirectoryIsListedInOrder() async throws {
        try await withTree { (project) async throws in
            #expect(
                try await project.list.result([:]) == [
                    "path": ".",
                    "entries": [
                        ["path": ".hidden", "size": 7], ["path": "Sources/"], ["path": "a-file", "size": 6],
                        ["path": "b.swift", "size": 7], ["path": "docs/"], ["path": "link", "link": "../secret"],
                    ],
                    "truncated": false,
                ])
            #expect(
                try await project.list.result(["path": "Sources/A"]) == [
                    "path": "Sources/A",
                    "entries": [["path": "Sources/A/a.c", "size": 13], ["path": "Sources/A/a.swift", "size": 17]],
                    "truncated": false,
                ])
            #expect(try await paths(project.list.result(["path": ".git"])) == [".git/config"])
        }
    }

    @Test func directoriesAreEnteredOnDemand() async throws {
        try await withTree { project in
            let all = [
                ".hidden", "Sources/", "Sources/A/", "Sources/A/a.c", "Sources/A/a.swift", "Sources/b.swift", "a-file",
                "b.swift", "docs/", "docs/x.md", "link",
            ]
            #expect(try await paths(project.list.result(["recursive": true])) == all)
            let some = try await project.list.result(["recursive": true, "limit": 3])
            #expect(paths(some) == Array(all.prefix(3)))
            #expect(some["truncated"] == true)
            #expect(try await project.list.result(["recursive": true, "limit": 11])["truncated"] == false)
        }
    }

    @Test(arguments: [
        ("*.swift", nil, ["b.swift"]), ("*.swift", true, ["Sources/A/a.swift", "Sources/b.swift", "b.swift"]),
        ("**/*.swift", nil, ["Sources/A/a.swift", "Sources/b.swift", "b.swift"]),
        ("Sources/**", nil, ["Sources/", "Sources/A/", "Sources/A/a.c", "Sources/A/a.swift", "Sources/b.swift"]),
        ("Sources/*/a.{c,h}", nil, ["Sources/A/a.c"]), ("S*", nil, ["Sources/"]),
        ("[!S]*", nil, [".hidden", "a-file", "b.swift", "docs/", "link"]),
        ("none", true, []),
    ])
    func aPatternFilters(pattern: String, recursive: Bool?, expected: [String]) async throws {
        try await withTree { project in
            let result = try await project.list.result([
                "pattern": .string(pattern), "recursive": recursive.map { .bool($0) } ?? .null,
            ])
            #expect(paths(result) == expected)
        }
    }

    @Test func aThousandEntriesAreEnough() async throws {
        try await withProject { project in
            for number in 0..<1001 { try project.put("f\(number)", "") }
            let result = try await project.list.result(["limit": 5000])
            #expect(paths(result).count == 1000)
            #expect(result["truncated"] == true)
        }
    }

    @Test func theDepthIsBounded() async throws {
        try await withProject { project in
            try project.put((0..<80).map { "d\($0)" }.joined(separator: "/") + "/f", "")
            let result = try await project.list.result(["recursive": true])
            #expect(paths(result).count == TreeWalk.maxDepth)
            #expect(result["truncated"] == true)
        }
    }

    @Test func whatIsNoDirectoryIsRefused() async throws {
        try await withTree { (project) async throws in
            #expect(
                await project.list.failure(["path": "a-file"]) == .executionFailed("\"a-file\" is no directory"))
            #expect(await project.list.failure(["path": "none"]) == .executionFailed("there is no file \"none\""))
        }
    }
}

@Suite struct Globs {
    @Test(arguments: [
        ("*", "a", true), ("*", "a/b", true), ("*.c", "x/y.c", true), ("a/*", "a/b", true), ("a/*", "a/b/c", false),
        ("a/**", "a/b/c", true), ("**", "a/b", true), ("**/c", "a/b/c", true), ("**/c", "c", true),
        ("a/**/d", "a/d", true), ("a/**/b/**/c", "a/x/b/y/b/c", true), ("a/**/b/**/c", "a/x/y/c", false),
        ("?.c", "a.c", true), ("?.c", "ab.c", false), ("[a-c].c", "b.c", true), ("[!a-c].c", "b.c", false),
        ("[]x].c", "].c", true), ("[ab", "[ab", true), ("\\*", "*", true), ("\\*", "a", false),
        ("{a,b}.{c,h}", "b.h", true), ("{a,b}.{c,h}", "c.h", false), ("{a,b{1,2}}", "b2", true), ("{a", "{a", true),
        ("x{,y}", "x", true), ("./a/*", "a/b", true), ("/a/*", "a/b", true), ("a/", "a", true), ("ü?", "üß", true),
    ])
    func pathsAreMatched(pattern: String, path: String, isMatch: Bool) throws {
        #expect(try Glob(pattern).matches(path.split(separator: "/").map(String.init)) == isMatch)
    }

    @Test func hostilePatternsAreHarmless() throws {
        let stars = String(repeating: "*a", count: 400)
        #expect(try !Glob(stars).matches([String(repeating: "a", count: 5000) + "b"]))
        let folders = String(repeating: "**/a/", count: 150) + "b"
        #expect(try !Glob(folders).matches(Array(repeating: "a", count: 2000)))
        #expect(throws: ToolError.self) { try Glob(String(repeating: "{a,b}", count: 20)) }
        #expect(throws: ToolError.self) { try Glob(String(repeating: "a", count: 1001)) }
    }
}
