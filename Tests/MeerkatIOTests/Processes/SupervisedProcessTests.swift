import Foundation
import MeerkatIO
import MeerkatTesting
import Synchronization
import Testing

@Suite struct SupervisedProcesses {
    @Test(arguments: [0, 1, 42, 255] as [Int32])
    func theExitStatusIsTold(_ status: Int32) async throws {
        let (end, text) = try await RunningCommand.run("echo hello; exit \(status)")
        #expect(end.untimed == .is(.exited(status: status)))
        #expect(end.duration > .zero && end.duration < .seconds(30))
        #expect(text == "hello\n")
    }

    @Test func theSignalIsTold() async throws {
        let (end, _) = try await RunningCommand.run("kill -USR1 $$")
        #expect(end.untimed == .is(.signalled(SIGUSR1)))
    }

    @Test func aProgramThatCannotBeExecutedIsAnError() async throws {
        let directory = try ScratchDirectory()
        let text = directory.path + "/text"
        try "not a program".write(toFile: text, atomically: true, encoding: .utf8)
        for (path, code) in [("/nonexistent/program", ENOENT), (text, EACCES)] {
            let command = SupervisedCommand(
                executable: path, arguments: [], environment: [:], workingDirectory: "/")
            let process = try SupervisedProcess.prepare(command) { _, _ in }
            process.start()
            #expect(await process.end().untimed == .is(.failed(.execution(SystemError(code: code, path: path)))))
        }
    }

    @Test func aDirectoryThatIsMissingIsAnError() async throws {
        let process = try SupervisedProcess.prepare(.script("true", in: "/nonexistent")) { _, _ in }
        process.start()
        let error = SystemError(code: ENOENT, path: "/nonexistent")
        #expect(await process.end().untimed == .is(.failed(.workingDirectory(error))))
    }

    @Test(arguments: [
        SupervisedCommand(executable: "sh", arguments: [], environment: [:], workingDirectory: "/"),
        SupervisedCommand(executable: "/bin/sh", arguments: [], environment: [:], workingDirectory: "."),
        SupervisedCommand(executable: "/bin/sh", arguments: ["a\0b"], environment: [:], workingDirectory: "/"),
        SupervisedCommand(executable: "/bin/sh", arguments: [], environment: ["a=b": "c"], workingDirectory: "/"),
        SupervisedCommand(executable: "/bin/sh", arguments: [], environment: ["a": "\0"], workingDirectory: "/"),
    ])
    func whatTheSystemCannotExpressIsRefused(_ command: SupervisedCommand) {
        #expect { _ = try SupervisedProcess.prepare(command) { _, _ in } } throws: { error in
            if case .invalid = error as? ProcessError { true } else { false }
        }
    }

    @Test func theCommandGetsWhatItIsGivenAndNothingElse() async throws {
        let directory = try ScratchDirectory()
        let output = Mutex("")
        let command = SupervisedCommand(
            executable: "/usr/bin/env", arguments: [], environment: ["ONE": "1", "TWO": "a b\n=c"],
            workingDirectory: directory.path)
        let process = try SupervisedProcess.prepare(command) { _, bytes in
            output.withLock { $0 += String(bytes) }
        }
        process.start()
        _ = await process.end()
        #expect(output.withLock { $0.split(separator: "\n").sorted() } == ["=c", "ONE=1", "TWO=a b"])
    }

    @Test func theCommandRunsInItsDirectoryWithoutInputAndTerminal() async throws {
        let directory = try ScratchDirectory()
        let output = Mutex("")
        let script = "pwd; cat; ls -l /proc/self/fd | grep -c ^l; (echo x >/dev/tty) 2>/dev/null || echo no terminal"
        let process = try SupervisedProcess.prepare(.script(script, in: directory.path)) { _, bytes in
            output.withLock { $0 += String(bytes) }
        }
        process.start()
        _ = await process.end()
        // Standard streams and the directory that ls reads; one more while its output is a pipe of the shell.
        #expect(output.withLock { $0 } == "\(directory.path)\n4\nno terminal\n")
    }

    @Test func bothStreamsAreToldApart() async throws {
        let output = Mutex<[SupervisedProcess.Stream: String]>([:])
        let process = try SupervisedProcess.prepare(.script("echo out; echo err >&2")) { stream, bytes in
            output.withLock { $0[stream, default: ""] += String(bytes) }
        }
        process.start()
        _ = await process.end()
        #expect(output.withLock { $0 } == [.standardOutput: "out\n", .standardError: "err\n"])
    }

    @Test func aCommandThatHeedsTermEndsByIt() async throws {
        let marker = Marker()
        let command = try RunningCommand("echo ready; sleep 600", marker: marker)
        await command.hasWritten("ready")
        command.process.stop(grace: .seconds(30))
        #expect(await command.process.end().untimed == .is(.signalled(SIGTERM), wasStopped: true))
        #expect(marker.count == 0)
    }

    @Test func aCommandThatIgnoresTermIsKilled() async throws {
        let marker = Marker()
        let forever = "while :; do sleep 600; done"
        let script = "trap '' TERM; (trap '' TERM; \(forever)) & echo ready; \(forever)"
        let command = try RunningCommand(script, marker: marker)
        await command.hasWritten("ready")
        command.process.stop(grace: .milliseconds(50))
        #expect(await command.process.end().untimed == .is(.signalled(SIGKILL), wasStopped: true))
        #expect(marker.count == 0)
    }

    @Test func aHandlerOfTermMayCleanUp() async throws {
        let command = try RunningCommand("trap 'sleep 0.1; echo cleaned; exit 3' TERM; echo ready; sleep 600 & wait")
        await command.hasWritten("ready")
        command.process.stop(grace: .seconds(30))
        #expect(await command.process.end().untimed == .is(.exited(status: 3), wasStopped: true))
        #expect(command.text == "ready\ncleaned\n")
    }

    @Test func aShorterGraceReplacesALongerOne() async throws {
        let command = try RunningCommand("trap '' TERM; echo ready; while :; do sleep 600; done")
        await command.hasWritten("ready")
        command.process.stop(grace: .seconds(3600))
        command.process.stop(grace: .milliseconds(10))
        command.process.stop(grace: .seconds(3600))
        #expect(await command.process.end().untimed == .is(.signalled(SIGKILL), wasStopped: true))
    }

    @Test func stoppedProcessesAreEndedToo() async throws {
        let marker = Marker()
        let command = try RunningCommand("sleep 600 & kill -STOP $!; echo ready; kill -STOP $$", marker: marker)
        await command.hasWritten("ready")
        command.process.stop(grace: .seconds(30))
        #expect(await command.process.end().untimed == .is(.signalled(SIGTERM), wasStopped: true))
        #expect(marker.count == 0)
    }

    @Test(arguments: [
        "sleep 600 &",
        "setsid sleep 600 >/dev/null 2>&1 &",
        "( ( sleep 600 & ) & )",
        "( trap '' TERM HUP; ( setsid sh -c 'trap \"\" TERM; while :; do sleep 600; done' & ) & )",
        """
        python3 -c 'import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 3)
                time.sleep(600)
        '
        """,
    ])
    func whatACommandLeavesBehindIsEnded(_ script: String) async throws {
        let marker = Marker()
        let (end, text) = try await RunningCommand.run("\(script)\necho done", marker: marker)
        #expect(end.cause == .exited(status: 0))
        #expect((end.leftProcesses ?? 0) >= 1)
        #expect(end.survivors == 0)
        #expect(text == "done\n")
        #expect(marker.count == 0)
    }

    @Test func whatEndsByItselfSoonIsNotCounted() async throws {
        let (end, text) = try await RunningCommand.run("(sleep 0.02; echo late) & echo early")
        #expect(end.untimed == .is(.exited(status: 0)))
        #expect(text == "early\nlate\n")
    }

    @Test func aTreeThatForksAsItIsKilledIsEnded() async throws {
        let marker = Marker()
        // Each process makes two of itself for ever, as many as the limit of depth lets live.
        let script = """
            f() {
                trap '' TERM
                [ $1 -gt 5 ] && sleep 600
                while :; do f $(($1 + 1)) & f $(($1 + 1)); done
            }
            echo ready; f 0
            """
        let command = try RunningCommand(script, marker: marker)
        await command.hasWritten("ready")
        command.process.stop(grace: .milliseconds(100))
        #expect(await command.process.end().untimed == .is(.signalled(SIGKILL), wasStopped: true))
        #expect(marker.count == 0)
    }

    @Test func aCommandThatWasNotStartedCanBeStopped() async throws {
        let command = try RunningCommand("echo never", starts: false)
        #expect(command.process.identity.state == .running)
        command.process.stop(grace: .seconds(30))
        command.process.start()
        #expect(await command.process.end().untimed == .is(.notStarted, wasStopped: true))
        #expect(command.text == "")
        #expect(command.process.identity.state == .ended)
    }

    @Test func lettingGoStopsTheCommand() async throws {
        let directory = try ScratchDirectory()
        let pipe = try directory.makePipe("pipe")
        async let written = readToEnd(pipe)
        var command: RunningCommand?
        command = try RunningCommand("trap '' TERM; exec 9>\(pipe); echo ready; sleep 600; sleep 600")
        await command?.hasWritten("ready")
        command = nil
        #expect(await written == "")
    }

    @Test func theLossOfTheSupervisorIsTold() async throws {
        let marker = Marker()
        let (end, _) = try await RunningCommand.run("kill -TERM $PPID; kill -KILL $PPID; sleep 600", marker: marker)
        #expect(end.cause == .supervisorLost)
    }

    @Test func aSupervisorThatIsKeptStoppedIsEndedWithItsTree() async throws {
        let marker = Marker()
        let command = try RunningCommand(
            "trap '' TERM; (while :; do kill -STOP $PPID; done) & setsid sleep 600 & echo ready; sleep 600",
            marker: marker)
        await command.hasWritten("ready")
        command.process.stop(grace: .zero)
        _ = await command.process.end()
        #expect(marker.count == 0)
    }

    @Test func anIdentityEndsWhatItsOwnerHasLeft() async throws {
        let marker = Marker()
        let command = try RunningCommand("trap '' TERM; echo ready; setsid sleep 600 & sleep 600", marker: marker)
        await command.hasWritten("ready")
        command.process.identity.end()
        _ = await command.process.end()
        #expect(command.process.identity.state == .ended)
        #expect(marker.count == 0)
    }

    @Test func theSupervisorKeepsNothingOfItsOwnerOpen() async throws {
        let (end, text) = try await RunningCommand.run(
            """
            cat /proc/$PPID/comm
            for f in /proc/$PPID/fd/*; do readlink $f; done | sed 's/:.*//' | sort | uniq -c | tr -s ' '
            """)
        #expect(end.cause == .exited(status: 0))
        // Requests, reports, the list of processes and the two ends of what tells it that a child has ended; only the last
        // three can be opened by others.
        #expect(text == "rkat-supervisor\n 3 /dev/null\n 1 /proc\n 2 pipe\n 2 socket\n")
    }

    @Test func manyRunAtTheSameTime() async throws {
        // Each waits for its successor to open a pipe, so that none could end before all have begun.
        let directory = try ScratchDirectory()
        let count = 20
        for number in 0..<count { _ = try directory.makePipe("\(number)") }
        let commands = try (0..<count).map { number in
            try RunningCommand(
                "cd \(directory.path); echo \(number) > \(number) & read n < \((number + 1) % count); echo got $n; wait"
            )
        }
        for (number, command) in commands.enumerated() {
            #expect(await command.process.end().untimed == .is(.exited(status: 0)))
            #expect(command.text == "got \((number + 1) % count)\n")
        }
    }

    @Test func cancellingTheWaitDoesNotEndIt() async throws {
        let command = try RunningCommand("echo ready; read line; sleep 600")
        let task = Task { await command.process.end() }
        task.cancel()
        command.process.stop(grace: .seconds(30))
        #expect(await task.value.wasStopped)
    }

    #if os(Linux)
        @Test(arguments: [
            "prlimit --pid $PPID --nofile=0:0", "prlimit --pid $PPID --nofile=3:3", "prlimit --pid $PPID --as=0:0",
        ])
        func whatIsLeftByACommandThatRobbedItsSupervisorIsEnded(_ robbery: String) async throws {
            let marker = Marker()
            let (end, text) = try await RunningCommand.run(
                "\(robbery); setsid sleep 600 >/dev/null 2>&1 & echo done", marker: marker)
            #expect(end.cause == .exited(status: 0))
            #expect(text == "done\n")
            #expect(end.leftProcesses != 0)
            #expect(end.survivors == 0)
            #expect(marker.count == 0)
        }

        @Test func nothingIsLeftOpenOrUnreaped() async {
            await #expect(processExitsWith: .success) {
                _ = try await RunningCommand.run("true")
                let before = Directories.names(in: "/proc/self/fd").count
                for number in 0..<200 {
                    let leaves = number % 40 == 0
                    let (end, _) = try await RunningCommand.run(leaves ? "sleep 600 & exit 0" : "exit 0")
                    #expect(end.untimed == .is(.exited(status: 0), left: leaves ? 1 : 0))
                }
                // The monitor's thread may not have closed its own pipe yet.
                #expect(Directories.names(in: "/proc/self/fd").count <= before + 2)
                #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
            }
        }

        @Test func stoppingASupervisorThatWasKilledIsHarmless() async {
            await #expect(processExitsWith: .success) {
                signal(SIGPIPE, SIG_DFL)
                for _ in 0..<20 {
                    let command = try RunningCommand("sleep 600", starts: false)
                    kill(command.process.identity.pid, SIGKILL)
                    for _ in 0..<5000 { command.process.stop(grace: .zero) }
                    #expect(await command.process.end().cause == .supervisorLost)
                }
            }
        }

        @Test func withoutDescriptorsPreparingFails() async {
            await #expect(processExitsWith: .success) {
                var limit = rlimit(rlim_cur: 64, rlim_max: 64)
                try #require(setrlimit(__rlimit_resource_t(7), &limit) == 0)
                var commands: [RunningCommand] = []
                #expect(throws: ProcessError.outOfDescriptors) {
                    while true { commands.append(try RunningCommand("echo ready; sleep 600", starts: false)) }
                }
                for command in commands { command.process.stop(grace: .zero) }
                for command in commands { #expect(await command.process.end().cause == .notStarted) }
                let (end, _) = try await RunningCommand.run("true")
                #expect(end.untimed == .is(.exited(status: 0)))
            }
        }

        @Test func theDeathOfTheOwnerEndsEverything() async throws {
            let directory = try ScratchDirectory()
            let pipe = try directory.makePipe("pipe")
            let path = directory.path
            async let written = readToEnd(pipe)
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let command = try RunningCommand(
                    """
                    exec 9>\(path)/pipe
                    (trap '' TERM; setsid sh -c 'echo daemon >&9; while :; do sleep 600; done' >/dev/null 2>&1 &) &
                    trap '' TERM
                    echo ready
                    while :; do sleep 600; done
                    """)
                await command.hasWritten("ready")
                kill(getpid(), SIGKILL)
            }
            // The end of the pipe: nobody has it open any more.
            #expect(await written == "daemon\n")
        }

        @Test func theDeathOfTheOwnerBeforeTheStartLeavesNothing() async throws {
            let directory = try ScratchDirectory()
            let file = directory.path + "/supervisor"
            await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String] in
                let command = try RunningCommand("echo never", starts: false)
                let identity = command.process.identity
                try "\(identity.pid) \(identity.startTime) \(identity.bootID)".write(
                    toFile: file, atomically: true, encoding: .utf8)
                kill(getpid(), SIGKILL)
            }
            let words = try String(contentsOfFile: file, encoding: .utf8).split(separator: " ").map(String.init)
            let identity = ProcessIdentity(
                pid: try #require(Int32(words[0])), startTime: try #require(UInt64(words[1])), bootID: words[2])
            while identity.state != .ended { await Task.yield() }
        }
    #endif
}
