internal import CSupervisor
internal import MeerkatJSON
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What is known about a supervisor and asked of it.
final class Supervision: Sendable {
    private struct State {
        /// Nil when the supervisor has ended.
        var control: Int32?
        var commandGroup: Int32?
        var started: UInt64?
        var exited: UInt64?
        var cause: ProcessEnd.Cause?
        var wasStopped = false
        var leftProcesses: Int? = 0
        var survivors: Int? = 0
        var missing: [SandboxPromise] = []
        var isGone = false
        /// Look after the supervisor once it was told to stop.
        var timers: [TimerThread.Token] = []
        var end: ProcessEnd?
        var waiting: [UnsafeContinuation<ProcessEnd, Never>] = []
    }

    let pid: Int32
    let output: @Sendable (SupervisedProcess.Stream, RawSpan) -> Void
    private let command: SupervisedCommand
    private let state: Mutex<State>

    init(
        _ supervisor: Supervisor, _ command: SupervisedCommand,
        _ output: @escaping @Sendable (SupervisedProcess.Stream, RawSpan) -> Void
    ) {
        pid = supervisor.pid
        self.command = command
        self.output = output
        state = Mutex(State(control: supervisor.control))
    }

    func start() {
        state.withLock { state in
            guard let control = state.control, state.started == nil, !state.wasStopped else { return }
            state.started = TimerThread.uptime
            supervisor_start(control)
        }
    }

    func stop(grace: UInt32) {
        state.withLock { state in
            guard let control = state.control else { return }
            if state.exited == nil { state.wasStopped = true }
            supervisor_stop(control, grace)
            // In case the command has stopped its supervisor.
            kill(pid, SIGCONT)
            let patience = (UInt64(grace) + Self.patience) * 1_000_000
            let token = TimerThread.shared.schedule(after: patience) { [weak self] in self?.force() }
            state.timers.append(token)
        }
    }

    /// How long a supervisor may take beyond the grace, in milliseconds.
    private static let patience: UInt64 = 1500

    /// Ends everything although the supervisor does not.
    private func force() {
        let mustEnd = state.withLock { $0.control != nil }
        if mustEnd { ProcessTree.kill(pid) }
    }

    func end() async -> ProcessEnd {
        await withUnsafeContinuation { continuation in
            let end = state.withLock { state in
                if state.end == nil { state.waiting.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }

    func take(_ report: SupervisorReport) {
        let now = TimerThread.uptime
        state.withLock { state in
            switch report.kind {
            case .started:
                state.commandGroup = report.value
            case .confined:
                state.missing = command.sandbox?.promises.filter { !$0.holds(in: report.value) } ?? []
            case .failed:
                let stage = SupervisorStage(rawValue: report.detail)
                state.cause = .failed(
                    stage == .sandbox ? .sandbox(missing: state.missing) : error(report.value, stage))
            case .exited:
                state.exited = now
                state.cause = state.cause ?? .exited(status: report.value)
            case .signalled:
                state.exited = now
                state.cause = state.cause ?? .signalled(report.value)
            case .gone:
                state.isGone = true
                state.leftProcesses = Self.count(report.value)
                state.survivors = Self.count(report.detail)
            case .blind:
                // The supervisor takes notice of each end and reports when nothing is left.
                if state.control != nil { ProcessTree.killDescendants(of: pid) }
            @unknown default: break
            }
        }
    }

    private static func count(_ value: Int32) -> Int? { value < 0 ? nil : Int(value) }

    private func error(_ code: Int32, _ stage: SupervisorStage?) -> ProcessError {
        switch stage {
        case .directory: .workingDirectory(SystemError(code: code, path: command.workingDirectory))
        case .execution: .execution(SystemError(code: code, path: command.executable))
        case .fork, .setup, .sandbox, nil: ProcessError(forking: code, command.executable)
        @unknown default: ProcessError(forking: code, command.executable)
        }
    }

    /// Takes leave of the supervisor, which has closed its end of the pipes.
    func reap() {
        state.withLock { state in
            if let control = state.control { close(control) }
            state.control = nil
            for token in state.timers { TimerThread.shared.cancel(token) }
            state.timers = []
            if !state.isGone, let group = state.commandGroup {
                kill(-group, SIGKILL)
                state.cause = .supervisorLost
                state.leftProcesses = nil
                state.survivors = nil
            }
            state.exited = state.exited ?? TimerThread.uptime
        }
        // A program that ignores SIGCHLD leaves nothing to wait for.
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
    }

    /// Nothing more will be told.
    func finish() {
        let (end, waiting) = state.withLock { state in
            let exited = state.exited ?? 0
            let nanoseconds = exited.subtractingClamped(state.started ?? exited)
            let end = ProcessEnd(
                cause: state.cause ?? (state.isGone ? .notStarted : .supervisorLost), wasStopped: state.wasStopped,
                duration: .nanoseconds(Int64(clamping: nanoseconds)), leftProcesses: state.leftProcesses,
                survivors: state.survivors, missing: state.missing)
            state.end = end
            defer { state.waiting = [] }
            return (end, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: end) }
    }
}
