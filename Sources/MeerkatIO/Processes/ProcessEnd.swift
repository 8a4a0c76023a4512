/// How a supervised command ended, together with all that it had started.
public struct ProcessEnd: Sendable, Hashable {
    public enum Cause: Sendable, Hashable {
        case exited(status: Int32)
        case signalled(Int32)
        /// The command never ran.
        case failed(ProcessError)
        /// It was stopped before it was started.
        case notStarted
        /// Someone killed the supervisor; the process group of the command was killed, other descendants may be left.
        case supervisorLost
    }

    /// About the command itself.
    public var cause: Cause
    /// ``SupervisedProcess/stop(grace:)`` was called before the command had ended.
    public var wasStopped: Bool
    /// From the start of the command to its own end.
    public var duration: Duration
    /// Processes that the command had left behind when it exited, and that were ended; nil when they could not be counted.
    public var leftProcesses: Int?
    /// Processes that could not be ended: of another user, or waiting in the kernel; nil when that could not be found out.
    public var survivors: Int?
    /// What the sandbox of the command has not kept.
    public var missing: [SandboxPromise]

    public init(
        cause: Cause, wasStopped: Bool, duration: Duration, leftProcesses: Int?, survivors: Int?,
        missing: [SandboxPromise] = []
    ) {
        self.cause = cause
        self.wasStopped = wasStopped
        self.duration = duration
        self.leftProcesses = leftProcesses
        self.survivors = survivors
        self.missing = missing
    }
}
