import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import MeerkatTesting
import Testing

@testable import MeerkatTools

@Suite struct ShellTools {
    /// With `MEERKAT_WRITE_CONTRACT=1` the file is written anew.
    @Test func definitionsAreThoseOfTheFixture() throws {
        let value = try JSONValue(json: ShellFixture().shell.tools.map(\.definition).jsonBytes)
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/shell-tools.json")
        if ProcessInfo.processInfo.environment["MEERKAT_WRITE_CONTRACT"] == "1" {
            try Data(PrettyJSON.text(value.jsonBytes) + [0x0A]).write(to: file)
        }
        #expect(try JSONValue(json: Array(try Data(contentsOf: file))) == value)
    }

    @Test func theResultTellsWhatCameOfTheCommand() async throws {
        let fixture = try ShellFixture()
        let result = try await fixture.shell("echo out; echo err >&2; exit 3")
        #expect(
            result.without("duration_secs") == [
                "exit_code": 3, "stdout": "out\n", "stderr": "err\n", "timed_out": false, "stdout_lossy": false,
                "stderr_lossy": false,
            ])
        #expect(
            result.object?.members.map(\.name) == [
                "exit_code", "stdout", "stderr", "timed_out", "duration_secs", "stdout_lossy", "stderr_lossy",
            ])
        #expect(fixture.startedProcesses.count == 1)
        #expect(fixture.startedProcesses.allSatisfy { $0.pid > 0 && $0.startTime > 0 })
    }

    @Test func aCommandThatASignalEndedHasNoExitCode() async throws {
        let result = try await ShellFixture().shell("kill -KILL $$")
        #expect(result["exit_code"] == .null)
        #expect(result["timed_out"] == false)
    }

    @Test func whatIsLeftBehindIsEndedAndTold() async throws {
        let fixture = try ShellFixture()
        let pipe = try fixture.makePipe("pipe")
        async let written = readToEnd(pipe)
        let result = try await fixture.shell("exec 9>pipe; setsid sleep 600 & echo daemon >&9")
        #expect(result["exit_code"] == 0)
        #expect(result["ended_processes"] == 1)
        #expect(await written == "daemon\n")
    }

    @Test func whatIsNotUTF8IsTold() async throws {
        let result = try await ShellFixture().shell(#"printf 'a\377'; printf 'b\303' >&2"#)
        #expect(result["stdout"] == "a\u{FFFD}")
        #expect(result["stdout_lossy"] == true)
        #expect(result["stderr"] == "b\u{FFFD}")
        #expect(result["stderr_lossy"] == true)
    }

    @Test func theWholeOfALongOutputIsInAFile() async throws {
        let fixture = try ShellFixture()
        let result = try await fixture.shell("seq 100000; seq 50000 >&2")
        let file = try #require(result["output_file"]?.string)
        let whole = (1...100_000).map { "\($0)\n" }.joined()
        #expect(Files.read(file, limit: 1 << 20) == Array(whole.utf8))
        let text = try #require(result["stdout"]?.string)
        #expect(text.hasPrefix(whole.prefix(50_000) + "\n[… \(whole.count - 100_000) characters left out"))
        #expect(text.hasSuffix(whole.suffix(50_000)))
        #expect(text.contains(file))
        #expect(result["error_output_file"]?.string?.hasSuffix(".stderr") == true)
    }

    // MARK: Program

    @Test func bashRunsTheCommandUnlessAnotherShellIsConfigured() async throws {
        let fixture = try ShellFixture()
        #expect(try await fixture.shell("echo ${0##*/}")["stdout"] == "bash\n")
        fixture.configure { $0.program = "sh" }
        #expect(try await fixture.shell("echo ${0##*/}")["stdout"] == "sh\n")
        fixture.configure { $0.program = "/bin/sh" }
        #expect(try await fixture.shell("echo $0")["stdout"] == "/bin/sh\n")
    }

    @Test func withoutBashThePlainShellStandsIn() async throws {
        let fixture = try ShellFixture(environment: ["PATH": "/nonexistent"])
        #expect(try await fixture.shell("echo $0")["stdout"] == "/bin/sh\n")
    }

    @Test func aMissingShellIsAnErrorThatListsWhatWasTried() async throws {
        let fixture = try ShellFixture()
        fixture.configure { $0.program = "no-such-shell" }
        await #expect(
            throws: ToolError.executionFailed(
                "no shell was found: tried no-such-shell (shell.program) in /usr/local/bin:/usr/bin:/bin")
        ) { try await fixture.shell("true") }
    }

    // MARK: Policy

    @Test func thePolicyOfTheConfigurationCounts() async throws {
        let fixture = try ShellFixture()
        fixture.configure {
            $0.securityMode = .allowList
            $0.securityPatterns = ["echo *"]
        }
        #expect(try await fixture.shell("echo 'a b'; echo c")["stdout"] == "a b\nc\n")
        await #expect(
            throws: ToolError.accessDenied("no pattern of shell.security_patterns allows: touch file")
        ) { try await fixture.shell("echo a; touch file") }
        fixture.configure { $0.securityMode = .denyList }
        await #expect(throws: ToolError.self) { try await fixture.shell("echo a") }
        #expect(try await fixture.shell("pwd")["exit_code"] == 0)
        #expect(fixture.startedProcesses.count == 2)
    }

    // MARK: Environment and directory

    @Test func onlyListedVariablesArePassed() async throws {
        let fixture = try ShellFixture(environment: [
            "HOME": "/nowhere", "LC_ALL": "C", "SECRET": "1", "MINE": "2", "ANTHROPIC_API_KEY": "3", "BASH_ENV": "x",
        ])
        fixture.configure { $0.program = "sh" }
        let names = { (result: JSONValue) in
            let lines = result["stdout"]?.string?.split(separator: "\n") ?? []
            return Set(lines.compactMap { $0.split(separator: "=").first.map(String.init) }).subtracting(["_", "SHLVL"])
        }
        #expect(names(try await fixture.shell("env")) == ["HOME", "LC_ALL", "PATH", "PWD", "TMPDIR"])
        fixture.configure { $0.allowedEnvironment = ["MINE"] }
        #expect(names(try await fixture.shell("env")) == ["HOME", "LC_ALL", "MINE", "PATH", "PWD", "TMPDIR"])
    }

    @Test(
        arguments: [
            ([], ["LANG"]), (["*"], ["A_KEY", "LANG", "OTHER"]), (["A_*"], ["A_KEY", "LANG"]),
            (["A_API_KEY"], ["A_API_KEY", "LANG"]), (["*_API_KEY", "a_api_key*"], ["LANG"]),
        ] as [([String], Set<String>)])
    func aKeyIsPassedOnlyWhenItIsNamed(_ allowed: [String], _ expected: Set<String>) {
        let own = ["LANG": "", "A_API_KEY": "", "a_api_key": "", "A_KEY": "", "OTHER": ""]
        let variables = ShellEnvironment(allowing: allowed).variables(from: own, in: "/")
        #expect(Set(variables.keys) == expected.union(["PWD"]))
    }

    @Test func commandsStartWithinTheProject() async throws {
        let fixture = try ShellFixture()
        try FileManager.default.createDirectory(atPath: fixture.root + "/other/deep", withIntermediateDirectories: true)
        let outside = fixture.root + "/outside"
        try FileManager.default.createSymbolicLink(atPath: outside, withDestinationPath: "/")
        let work = fixture.root + "/inner"
        for (asked, expected) in [
            (nil, work), (".", work), ("../other/deep", fixture.root + "/other/deep"), (fixture.root, fixture.root),
        ] {
            let more: JSONObject = ["working_dir": asked.map { .string($0) } ?? .null]
            #expect(try await fixture.shell("pwd; echo $PWD", more)["stdout"] == .string("\(expected)\n\(expected)\n"))
        }
        for asked in ["/", "..//..", "../outside", "../outside/tmp", fixture.root + "x", "missing", ""]
        where asked != "" {
            await #expect(throws: ToolError.self) { try await fixture.shell("true", ["working_dir": .string(asked)]) }
        }
        await #expect(throws: ToolError.executionFailed("the working directory does not exist: \(work)/missing")) {
            try await fixture.shell("true", ["working_dir": "missing"])
        }
        let error = ToolError.executionFailed(
            #"the working directory / is outside of the project root \#(fixture.root)"#)
        await #expect(throws: error) { try await fixture.shell("true", ["working_dir": "../outside"]) }
    }

    // MARK: Ending

    @Test(arguments: [nil, 7] as [Int?])
    func aCommandThatTakesTooLongIsEnded(_ seconds: Int?) async throws {
        let fixture = try ShellFixture()
        fixture.configure { $0.timeoutSeconds = 20 }
        let pipe = try fixture.makePipe("pipe")
        let more: JSONObject = ["timeout_secs": seconds.map { .integer($0) } ?? .null]
        async let result = fixture.shell("echo before; echo ready >pipe; sleep 600; echo after", more)
        await fixture.clock.waitForTimer(after: .seconds(seconds ?? 20))
        _ = await readToEnd(pipe)
        fixture.clock.advance(by: .seconds(seconds ?? 20))
        #expect(
            try await result.without("duration_secs") == [
                "exit_code": nil, "stdout": "before\n", "stderr": "", "timed_out": true, "stdout_lossy": false,
                "stderr_lossy": false,
            ])
    }

    @Test func whatIgnoresTheTimeoutIsKilled() async throws {
        let fixture = try ShellFixture()
        let pipe = try fixture.makePipe("pipe")
        async let result = fixture.shell("trap '' TERM; echo ready >pipe; while :; do sleep 600; done")
        _ = await readToEnd(pipe)
        fixture.clock.advance(by: .seconds(30))
        #expect(try await result["timed_out"] == true)
    }

    @Test func anInterruptedCallEndsItsProcesses() async throws {
        let fixture = try ShellFixture()
        let (ready, held) = (try fixture.makePipe("ready"), try fixture.makePipe("held"))
        let call = Task {
            try await fixture.shell("exec 9>held; trap '' TERM; setsid sleep 600 & echo >ready; sleep 600; sleep 600")
        }
        async let written = readToEnd(held)
        _ = await readToEnd(ready)
        call.cancel()
        await #expect(throws: ToolError.interrupted("the command was stopped")) { try await call.value }
        #expect(await written == "")
    }

    @Test func whatCannotBeWrittenDownIsNotRun() async throws {
        let fixture = try ShellFixture()
        let error = ToolError.executionFailed("the disk is full")
        await #expect(throws: error) {
            try await fixture.call("shell", ["command": "touch made"], refusing: error)
        }
        for process in fixture.startedProcesses {
            let identity = ProcessIdentity(of: Int32(process.pid))
            #expect(identity.state == .ended || identity.startTime != process.startTime)
        }
        #expect(!Directories.fileExists(fixture.root + "/inner/made"))
    }
}
