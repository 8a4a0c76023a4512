import Foundation
import Testing

@testable import MeerkatTools

@Suite struct SandboxPathRules {
    @Test(arguments: [
        (".pyenv/shims", [".pyenv"]), (".nvm/versions/v20/bin", [".nvm/versions/v20"]), ("bin", ["bin"]),
        ("scripts", ["scripts"]), (".cargo/bin", [".cargo", ".rustup"]), ("go/bin", ["go"]), ("", []),
        (
            ".local/bin",
            [
                ".local/bin", ".local/lib", ".local/share/uv", ".local/share/pipx", ".local/share/mise",
                ".local/share/pnpm", ".local/share/fnm", ".local/share/swiftly", ".local/share/virtualenvs",
            ]
        ),
    ])
    func aDirectoryOfProgramsStandsForItsToolchain(_ directory: String, _ expected: [String]) async throws {
        try await withTemporaryDirectory { home in
            let home = URL(filePath: home).resolvingSymlinksInPath().path
            let found = SandboxPaths.toolchain(directory.isEmpty ? home : "\(home)/\(directory)", homes: [home])
            #expect(found == expected.map { "\(home)/\($0)" })
        }
    }

    @Test(arguments: [("/", []), ("/bin", ["/bin"]), ("/home/other/bin", ["/home/other/bin"])])
    func directoriesOfTheSystemStandForThemselvesAtMost(_ directory: String, _ allowed: [String]) {
        #expect(Set(SandboxPaths.toolchain(directory, homes: ["/home/someone"])).isSubset(of: allowed))
    }

    @Test(arguments: [
        ("/a/b", "/a", true), ("/a", "/a", true), ("/ab", "/a", false), ("/a", "/", true), ("/a", "/a/b", false),
    ])
    func aPathIsWithinADirectory(_ path: String, _ directory: String, _ expected: Bool) {
        #expect(path.isWithin(directory) == expected)
    }
}
