internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// One command while it runs.
final class ShellRun: Sendable {
    private static let timeoutGrace = Duration.seconds(2)

    private let process: SupervisedProcess
    private let output: Output
    private let timeout: Timeout
    private let sandboxNotice: SandboxNotice
    private let outputQuota: OutputQuota

    private final class Output: Sendable {
        let standardOutput: Mutex<OutputBuffer>
        let standardError: Mutex<OutputBuffer>

        init(file: String, quota: OutputQuota) {
            standardOutput = Mutex(OutputBuffer(file: file + ".stdout", quota: quota))
            standardError = Mutex(OutputBuffer(file: file + ".stderr", quota: quota))
        }

        func append(_ bytes: RawSpan, to stream: SupervisedProcess.Stream) {
            switch stream {
            case .standardOutput: standardOutput.withLock { $0.append(bytes) }
            case .standardError: standardError.withLock { $0.append(bytes) }
            }
        }
    }

    /// The end of the time that a command has.
    private final class Timeout: Sendable {
        private struct State {
            var timer: (any ScheduledAction)?
            var hasPassed = false
            var isOver = false
        }

        private let state = Mutex(State())

        func start(after delay: Duration, _ clock: any RuntimeClock, _ action: @escaping @Sendable () -> Void) {
            let timer = clock.schedule(after: delay) { [self] in
                state.withLock { $0.hasPassed = true }
                action()
            }
            let isLate = state.withLock { state in
                if !state.isOver { state.timer = timer }
                return state.isOver
            }
            if isLate { timer.cancel() }
        }

        /// Tells whether the time had passed.
        func end() -> Bool {
            let (timer, hasPassed) = state.withLock { state in
                state.isOver = true
                return (state.timer.take(), state.hasPassed)
            }
            timer?.cancel()
            return hasPassed
        }
    }

    /// Makes a process that waits to be started.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)``.
    init(_ request: ShellRequest) throws(ToolError) {
        let output = Output(file: request.outputFile, quota: request.outputQuota)
        outputQuota = request.outputQuota
        self.output = output
        timeout = Timeout()
        sandboxNotice = request.sandboxNotice
        do throws(ProcessError) {
            process = try SupervisedProcess.prepare(request.command) { output.append($1, to: $0) }
        } catch {
            throw .executionFailed(error.message)
        }
    }

    var identity: ToolProcess {
        ToolProcess(
            pid: Int(process.identity.pid), startTime: process.identity.startTime, boot: process.identity.bootID)
    }

    func start(timeoutSeconds: Int, clock: any RuntimeClock) {
        timeout.start(after: .seconds(min(timeoutSeconds, 1_000_000_000)), clock) { [process] in
            process.stop(grace: Self.timeoutGrace)
        }
        process.start()
    }

    func stop(grace: Duration) {
        process.stop(grace: grace)
    }

    /// What came of it, when all its processes are gone.
    var outcome: Result<ShellResult, ToolError> {
        get async {
            do throws(ToolError) { return .success(try await result()) } catch { return .failure(error) }
        }
    }

    /// Waits until all its processes are gone.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)`` when the command did not run, ``ToolError/interrupted(_:)`` when it was
    ///   stopped before that.
    private func result() async throws(ToolError) -> ShellResult {
        let end = await process.end()
        let hasTimedOut = timeout.end() && end.wasStopped
        var status: Int?
        switch end.cause {
        case .exited(let code): status = hasTimedOut ? nil : Int(code)
        case .signalled: break
        case .failed(let error): throw .executionFailed(error.message)
        case .supervisorLost:
            throw .executionFailed(
                "the process that supervises the command was killed: processes of the command may be left running")
        case .notStarted: throw .interrupted("the command was stopped before it was started")
        }
        let standardOutput = output.standardOutput.withLock { $0.finish() }
        let standardError = output.standardError.withLock { $0.finish() }
        return ShellResult(
            exitCode: status, standardOutput: standardOutput, standardError: standardError,
            hasTimedOut: hasTimedOut, seconds: end.duration / .seconds(1),
            // What is left after a stop was stopped with the command.
            endedProcesses: end.wasStopped ? 0 : end.leftProcesses, survivingProcesses: end.survivors,
            missingProtection: sandboxNotice.names(of: end.missing), removedOutputs: outputQuota.takeRemoved())
    }
}

/// What came of a command.
struct ShellResult: Sendable, JSONWritable {
    /// Nil when a signal ended it.
    var exitCode: Int?
    var standardOutput: OutputBuffer.Text
    var standardError: OutputBuffer.Text
    var hasTimedOut: Bool
    var seconds: Double
    /// Processes that it had left running; nil when they could not be counted.
    var endedProcesses: Int?
    /// Processes that could not be ended; nil when that could not be found out.
    var survivingProcesses: Int?
    /// What the sandbox did not keep, the first time in a session.
    var missingProtection: [String]
    /// Files of earlier outputs that were removed to make room.
    var removedOutputs: [String]

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writeExitCode(to: &writer)
            writer.member("stdout", standardOutput.text)
            writer.member("stderr", standardError.text)
            writer.member("timed_out", hasTimedOut)
            writer.member("duration_secs", seconds)
            writer.member("stdout_lossy", standardOutput.isLossy)
            writer.member("stderr_lossy", standardError.isLossy)
            writeAdditions(to: &writer)
        }
    }

    /// The result without what differs each time.
    var essence: String {
        var writer = JSONWriter()
        writer.writeObject { writer in
            writeExitCode(to: &writer)
            writer.member("stdout", standardOutput.text)
            writer.member("stderr", standardError.text)
            writer.member("timed_out", hasTimedOut)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    func writeExitCode(to writer: inout JSONWriter) {
        writer.member("exit_code", exitCode.map { JSONValue.integer($0) } ?? .null)
    }

    private static func writeCount(_ name: StaticString, _ count: Int?, to writer: inout JSONWriter) {
        if count == 0 { return }
        writer.member(name, count.map { JSONValue.integer($0) } ?? "unknown")
    }

    /// Members that are there only when they say something.
    func writeAdditions(to writer: inout JSONWriter) {
        // A result may be shown again after its files were removed for later ones.
        writer.member("output_file", standardOutput.keptFile)
        writer.member("error_output_file", standardError.keptFile)
        Self.writeCount("ended_processes", endedProcesses, to: &writer)
        Self.writeCount("surviving_processes", survivingProcesses, to: &writer)
        writer.member("removed_output_files", removedOutputs.isEmpty ? nil : removedOutputs)
        writer.member("sandbox_missing", missingProtection.isEmpty ? nil : missingProtection)
    }
}

extension OutputBuffer.Text {
    fileprivate var keptFile: String? { file.flatMap { Directories.fileExists($0) ? $0 : nil } }
}
