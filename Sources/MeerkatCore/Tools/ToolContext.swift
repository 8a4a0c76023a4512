/// Where and for whom a tool call runs.
public struct ToolContext: Sendable {
    public let session: SessionID
    public let run: RunID
    public let toolUseID: String
    /// Time and delays; a tool takes them from nowhere else.
    public let clock: any RuntimeClock
    private let journal: @Sendable (ToolProcess) async throws(ToolError) -> Void

    /// Makes a context; `journal` makes a process durable before it is let go.
    public init(
        session: SessionID, run: RunID, toolUseID: String, clock: any RuntimeClock,
        journal: @escaping @Sendable (ToolProcess) async throws(ToolError) -> Void = { _ in }
    ) {
        self.session = session
        self.run = run
        self.toolUseID = toolUseID
        self.clock = clock
        self.journal = journal
    }

    /// Makes it durable that a process is about to run for this call, so that a later rkat can tell whether it is gone.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)`` when it could not be stored: nothing may be started then.
    public func willStart(_ process: ToolProcess) async throws(ToolError) {
        try await journal(process)
    }
}

/// A process that works for a tool call, named so that it cannot be taken for a later one with the same number.
public struct ToolProcess: Sendable, Hashable {
    public var pid: Int
    /// When it was started, in the system's own unit.
    public var startTime: UInt64
    /// Names the run of the system, from one start of it to the next.
    public var boot: String
    /// The owner of the session that started the process; `nil` in journals of earlier versions.
    public var owner: UniqueID?

    public init(pid: Int, startTime: UInt64, boot: String, owner: UniqueID? = nil) {
        self.pid = pid
        self.startTime = startTime
        self.boot = boot
        self.owner = owner
    }
}
