import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import MeerkatTesting
import Testing

@testable import MeerkatTools

@Suite struct ShellJobTests {
    @Test func aJobRunsInTheBackgroundAndItsEndIsTold() async throws {
        let fixture = try ShellFixture()
        let pipe = try fixture.makePipe("pipe")
        let command = "cat pipe; echo err >&2; exit 4"
        let spawned = try await fixture.shell(command, ["background": true, "working_dir": "."])
        let id = try #require(spawned["job_id"]?.string)
        #expect(id.hasPrefix("job_") && UniqueID(String(id.dropFirst(4))) != nil)
        #expect(spawned.object?.members.map(\.name) == ["job_id", "status", "message"])
        #expect(spawned["status"] == "running")
        let started = JSONValue.integer(Int(TestClock.start.seconds))
        #expect(
            try await fixture.call("shell_job_status", ["job_id": .string(id)]) == [
                "id": .string(id), "command": .string(command), "working_dir": ".", "timeout_secs": 30,
                "started_at_unix": started, "status": ["status": "running", "started_at_unix": started],
            ])
        try "hello\n".write(toFile: pipe, atomically: false, encoding: .utf8)

        var posts = fixture.posts.makeAsyncIterator()
        let posted = try JSONValue(json: Array(try #require(await posts.next()).utf8))
        let status = try #require(try await fixture.status(id))
        #expect(
            status.without("duration_secs") == [
                "status": "completed", "exit_code": 4, "stdout": "hello\n", "stderr": "err\n",
            ])
        #expect(
            posted == [
                "type": "shell_job_completed", "job_id": .string(id), "command": .string(command), "result": status,
            ])
        #expect(
            try await fixture.call("shell_jobs", [:]) == [
                ["id": .string(id), "command": .string(command), "status": "completed", "started_at_unix": started]
            ])
        #expect(fixture.startedProcesses.count == 1)
    }

    @Test func theNoticeOfALongOutputIsShort() async throws {
        let fixture = try ShellFixture()
        let id = try await fixture.job("seq 10000")
        var posts = fixture.posts.makeAsyncIterator()
        let posted = try JSONValue(json: Array(try #require(await posts.next()).utf8))
        let text = try #require(posted["result"]?["stdout"]?.string)
        #expect(text.hasPrefix("[… 46894 characters before; shell_job_status tells all …]\n"))
        #expect(text.hasSuffix("9999\n10000\n") && text.count < 2100)
        #expect(try await fixture.status(id)?["stdout"]?.string?.hasPrefix("1\n2\n") == true)
    }

    @Test func aCancelledJobStaysCancelled() async throws {
        let fixture = try ShellFixture()
        let (ready, held) = (try fixture.makePipe("ready"), try fixture.makePipe("held"))
        let id = try await fixture.job("exec 9>held; trap 'exit 0' TERM; echo >ready; sleep 600 & wait")
        async let written = readToEnd(held)
        _ = await readToEnd(ready)
        fixture.clock.advance(by: .seconds(2))
        #expect(
            try await fixture.call("shell_job_cancel", ["job_id": .string(id)])
                == ["job_id": .string(id), "status": "cancelled"])
        #expect(try await fixture.status(id) == ["status": "cancelled", "duration_secs": 2])
        _ = await written
        #expect(try await fixture.status(id) == ["status": "cancelled", "duration_secs": 2])
        await #expect(throws: ToolError.executionFailed("the job \(id) is not running but cancelled")) {
            try await fixture.call("shell_job_cancel", ["job_id": .string(id)])
        }
    }

    @Test(arguments: ["shell_job_status", "shell_job_cancel"])
    func anUnknownJobIsAnError(_ tool: String) async throws {
        let fixture = try ShellFixture()
        await #expect(throws: ToolError.executionFailed("there is no job job_x")) {
            try await fixture.call(tool, ["job_id": "job_x"])
        }
    }

    @Test func aJobHasATimeLimit() async throws {
        let fixture = try ShellFixture()
        let pipe = try fixture.makePipe("pipe")
        let id = try await fixture.job("echo before; echo >pipe; sleep 600", ["timeout_secs": 5])
        _ = await readToEnd(pipe)
        fixture.clock.advance(by: .seconds(5))
        var posts = fixture.posts.makeAsyncIterator()
        _ = await posts.next()
        let status = try #require(try await fixture.status(id))
        #expect(status.without("duration_secs") == ["status": "timed_out", "stdout": "before\n", "stderr": ""])
    }

    @Test func aJobThatCannotRunFails() async throws {
        let fixture = try ShellFixture()
        // The directory goes away between the check and the start.
        let jobs = fixture.shell.jobs
        var request = try fixture.shell.request(for: ShellTool.Arguments(json: Array(#"{"command":"true"}"#.utf8)))
        request.command.workingDirectory = "/nonexistent"
        let context = ToolContext(
            session: SessionID(UniqueID(high: 0, low: 1)), run: RunID(UniqueID(high: 0, low: 2)), toolUseID: "call",
            clock: fixture.clock)
        let job = try await jobs.spawn(request, in: context)
        var posts = fixture.posts.makeAsyncIterator()
        _ = await posts.next()
        #expect(
            try await fixture.status(job.id) == [
                "status": "failed", "error": "cannot enter /nonexistent: No such file or directory", "duration_secs": 0,
            ])
    }

    @Test func noMoreThanTenCommandsRun() async throws {
        let fixture = try ShellFixture()
        let accepted = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<30 { group.addTask { try? await fixture.job("sleep 600") } }
            return await group.reduce(into: [String]()) { ids, id in if let id { ids.append(id) } }
        }
        #expect(accepted.count == 10)
        let error = ToolError.executionFailed("10 commands are running, and no more than 10 may")
        await #expect(throws: error) { try await fixture.shell("true") }
        await fixture.shell.close()
    }

    @Test func endedJobsAreForgottenWhenANewOneStarts() async throws {
        let fixture = try ShellFixture()
        var posts = fixture.posts.makeAsyncIterator()
        let old = try await fixture.job("true")
        _ = await posts.next()
        let running = try await fixture.job("sleep 600", ["timeout_secs": 3600])
        fixture.clock.advance(by: .seconds(300))
        let young = try await fixture.job("true")
        _ = await posts.next()
        #expect(Set(fixture.shell.jobs.all.map(\.id)) == [old, running, young])
        fixture.clock.advance(by: .seconds(1))
        let new = try await fixture.job("true")
        #expect(Set(fixture.shell.jobs.all.map(\.id)) == [running, young, new])
        await fixture.shell.close()
    }

    @Test func onlySoManyEndedJobsAreRemembered() async throws {
        let fixture = try ShellFixture()
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let jobs = ShellJobs(limits: ShellJobs.Limits(endedJobs: 2), clock: fixture.clock) { _ in end.yield(()) }
        var ends = ended.makeAsyncIterator()
        let context = ToolContext(
            session: SessionID(UniqueID(high: 0, low: 1)), run: RunID(UniqueID(high: 0, low: 2)), toolUseID: "call",
            clock: fixture.clock)
        var ids: [String] = []
        for _ in 0..<4 {
            let arguments = try ShellTool.Arguments(json: Array(#"{"command":"true"}"#.utf8))
            ids.append(try await jobs.spawn(fixture.shell.request(for: arguments), in: context).id)
            _ = await ends.next()
        }
        #expect(jobs.all.map(\.id) == Array(ids.dropFirst()))
    }

    @Test func runningJobsAreOpenWork() async throws {
        let fixture = try ShellFixture()
        #expect(fixture.shell.openWork == nil)
        let id = try await fixture.job("sleep 600")
        #expect(fixture.shell.openWork == "Background jobs that are running:\n- \(id): sleep 600")
        await fixture.shell.close()
    }

    @Test func closingEndsEverything() async throws {
        let fixture = try ShellFixture()
        let (ready, held) = (try fixture.makePipe("ready"), try fixture.makePipe("held"))
        _ = try await fixture.job("exec 9>held; trap '' TERM; (setsid sleep 600 &); echo >ready; sleep 600; sleep 600")
        async let written = readToEnd(held)
        _ = await readToEnd(ready)
        await fixture.shell.close()
        #expect(await written == "")
        await #expect(throws: ToolError.interrupted("the session is closed")) { try await fixture.shell("true") }
    }
}
