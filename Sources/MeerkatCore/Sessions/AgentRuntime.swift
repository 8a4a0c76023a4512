/// What a surface needs to know of the engine; the same in process and over a wire.
public protocol AgentRuntime: Sendable {
    /// Creates a session and runs its first turn.
    ///
    /// Every event of the run is offered to `events` before this returns. Cancelling the task interrupts the run. A
    /// `run` that is known already starts nothing: its outcome is returned, or awaited when it runs here.
    func createSession(
        _ options: SessionOptions, prompt: [Block], run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult

    /// Creates a session without a turn.
    ///
    /// An id in `run` makes asking twice safe: a known one gives the session that it was made with.
    func prepareSession(_ options: SessionOptions, run: RunID?) async throws(SessionError) -> SessionSnapshot

    /// Runs a turn of a session, live or stored; `overrides` is what it has otherwise than its session.
    ///
    /// Like ``createSession(_:prompt:run:events:)`` besides.
    func startTurn(
        in session: SessionID, prompt: [Block], overrides: SessionOptions, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult

    /// Goes on with the run that the end of its process has cut off, from the step where it stood.
    ///
    /// Tool calls that have a result keep it. Of those that were started, the ones that may be made twice are made
    /// again; the others are closed, because nobody knows what they have done. When `run` says which run is meant, one
    /// that has ended since is answered by its record.
    ///
    /// - Throws: ``SessionError/Cause/notInterrupted`` when there is none.
    func resumeTurn(in session: SessionID, run: RunID?, events: any EventSink) async throws(SessionError) -> RunResult

    /// Creates a session that continues a copy of another one, up to the entry `seq` as the history tells it.
    ///
    /// Without it everything is copied. `run` is like that of ``prepareSession(_:run:)``.
    func fork(_ session: SessionID, at seq: Int?, run: RunID?) async throws(SessionError) -> SessionSnapshot

    /// Summarizes the older part of a session's conversation now.
    ///
    /// - Returns: nil when there is nothing to summarize.
    /// - Throws: ``SessionError/Cause/busy(elsewhere:)`` while a run is going on.
    func compact(_ session: SessionID, events: any EventSink) async throws(SessionError) -> CompactionCompleted?

    /// Ends the run of a session and waits for its end, at most 5 s.
    ///
    /// - Parameters:
    ///   - session: open or stored; a stored one has nothing to end.
    ///   - run: only this run is meant; nil means whichever runs.
    /// - Returns: what it came to.
    /// - Throws: ``SessionError/Cause/notFound`` for an unknown or archived session.
    func interrupt(_ session: SessionID, run: RunID?) async throws(SessionError) -> Interruption

    /// The open sessions in the order of their creation; waits for no turn.
    func openSessions() -> [SessionSnapshot]

    /// Stored sessions, last updated first.
    func storedSessions(after cursor: SessionCursor?, limit: Int) throws(SessionError) -> [SessionSnapshot]

    /// One session, open or stored; waits for no turn.
    func session(_ id: SessionID) throws(SessionError) -> SessionSnapshot

    /// The messages of a session with a `seq` greater than `cursor`, oldest first.
    func history(of id: SessionID, after cursor: Int, limit: Int) throws(SessionError) -> HistoryPage

    /// The model calls of a session, failed attempts included, oldest first; reads all that is stored of it.
    func modelCalls(of id: SessionID) throws(SessionError) -> [ModelCallRecord]

    /// The models that can be named, of all providers or of one.
    ///
    /// - Throws: ``SessionError/Cause/provider(_:provider:)`` for a provider that is not known or whose server, when it has
    ///   to be asked, does not answer.
    func models(of provider: String?) async throws(SessionError) -> [ListedModel]

    /// Puts a session away; a turn in progress finishes.
    func archive(_ id: SessionID) async throws(SessionError)

    /// Removes a session for good; a turn in progress is interrupted.
    func delete(_ id: SessionID) async throws(SessionError)

    /// Lets running turns end for `grace`, then interrupts them, and closes the store.
    func close(grace: Duration) async
}

extension AgentRuntime {
    /// Runs a turn like all others of its session.
    public func startTurn(
        in session: SessionID, prompt: [Block], run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        try await startTurn(in: session, prompt: prompt, overrides: SessionOptions(), run: run, events: events)
    }
}

/// What an interrupt came to.
public enum Interruption: Sendable, Hashable {
    /// No run is going on.
    case idle
    /// Another run than the one that was meant is going on, or one of another process; it goes on.
    case otherRun
    /// `survivors` are the tools that were told to end and go on.
    case ended(RunID, survivors: [String])
    /// The run was told to end and has not within 5 s.
    case ending(RunID)
}

/// What is shown of a session.
public struct SessionSnapshot: Sendable, Hashable {
    public enum State: String, Sendable, Hashable {
        case idle, running
        /// A run was cut off by the end of its process.
        case interrupted
    }

    public var summary: SessionSummary
    public var state: State
    /// Whether the session is open in this process.
    public var isOpen: Bool

    public init(summary: SessionSummary, state: State, isOpen: Bool) {
        self.summary = summary
        self.state = state
        self.isOpen = isOpen
    }
}

/// A part of a session's messages.
public struct HistoryPage: Sendable, Hashable {
    public var messages: [HistoryMessage]
    /// Where the next page begins; nil at the end.
    public var nextCursor: Int?

    public init(messages: [HistoryMessage], nextCursor: Int?) {
        self.messages = messages
        self.nextCursor = nextCursor
    }
}

/// A message as `session/history` shows it.
public struct HistoryMessage: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        /// `origin` names another source than a prompt, such as a job; see ``MessageOrigin``.
        case user([Block], origin: String? = nil)
        case answer([Block], stopReason: StopReason)
        case toolResult(ToolResult)
    }

    /// The entry it comes from; nil for a closing result that is computed and not stored yet.
    public var seq: Int?
    public var at: Timestamp?
    public var run: RunID?
    public var content: Content

    public init(seq: Int?, at: Timestamp?, run: RunID?, content: Content) {
        self.seq = seq
        self.at = at
        self.run = run
        self.content = content
    }
}
