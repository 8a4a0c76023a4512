internal import CSupervisor
internal import MeerkatJSON

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A command under a supervisor process of its own, which ends it together with everything it has started.
///
/// The supervisor is forked by ``prepare(_:output:)`` and runs the command after ``start()``. What the command leaves behind
/// when it exits, daemons included, is ended as well. When this program ends in whatever way, the supervisor notices and
/// ends all of it. On macOS, a descendant that makes a session of its own after its parent has ended escapes.
///
/// Letting go of the last reference stops the command.
public final class SupervisedProcess: Sendable {
    /// Where output comes from.
    public enum Stream: Sendable, Hashable {
        case standardOutput, standardError
    }

    private let supervision: Supervision
    /// Of the supervisor.
    public let identity: ProcessIdentity

    private init(_ supervision: Supervision) {
        self.supervision = supervision
        identity = ProcessIdentity(of: supervision.pid)
    }

    deinit {
        supervision.stop(grace: 0)
    }

    /// Forks the supervisor; the command runs when ``start()`` is called.
    ///
    /// The command has no input, no terminal and a process group of its own.
    ///
    /// - Parameters:
    ///   - command: what to run.
    ///   - output: takes what the command writes, on a thread that serves all commands, so it must be short.
    /// - Returns: the process, which has an identity already.
    /// - Throws: ``ProcessError``. What goes wrong after the fork is the cause of the end.
    public static func prepare(
        _ command: SupervisedCommand, output: @escaping @Sendable (Stream, RawSpan) -> Void
    ) throws(ProcessError) -> SupervisedProcess {
        try command.validate()
        // A stop that the supervisor does not obey is noticed by a timer.
        do throws(SystemError) { try TimerThread.shared.start() } catch { throw .outOfThreads }
        var supervisor = Supervisor()
        let code = fork(command, try PreparedSandbox(command.sandbox), &supervisor)
        guard code == 0 else { throw ProcessError(forking: code, command.executable) }
        let supervision = Supervision(supervisor, command, output)
        let pipes = SupervisionPipes(
            supervision: supervision, status: supervisor.status, output: supervisor.output, error: supervisor.error)
        do throws(ProcessError) { try ProcessMonitor.shared.add(pipes) } catch {
            pipes.abandon()
            throw error
        }
        return SupervisedProcess(supervision)
    }

    private static func fork(
        _ command: SupervisedCommand, _ sandbox: borrowing PreparedSandbox, _ supervisor: inout Supervisor
    ) -> Int32 {
        let arguments = CStrings([command.executable] + command.arguments)
        let environment = CStrings(command.environment.map { "\($0)=\($1)" })
        let pointer = sandbox.pointer
        return command.executable.withCString { executable in
            command.workingDirectory.withCString { directory in
                var prepared = SupervisorCommand(
                    executable: executable, arguments: arguments.pointers, environment: environment.pointers,
                    directory: directory, sandbox: pointer, settling: 100, grace: 250, orphanGrace: 250)
                return supervisor_fork(&prepared, &supervisor)
            }
        }
    }

    /// Runs the command; without effect when it was started or stopped before.
    public func start() {
        supervision.start()
    }

    /// Sends SIGTERM to every process of the command, and SIGKILL to those that are left after `grace`.
    ///
    /// May be called from anywhere and any number of times; the earliest end counts.
    public func stop(grace: Duration) {
        supervision.stop(grace: UInt32(clamping: grace.clampedMilliseconds))
    }

    /// Waits until every process is gone and all output was taken.
    ///
    /// Cancelling the waiting task neither stops the command nor ends the wait.
    public func end() async -> ProcessEnd {
        await supervision.end()
    }
}
