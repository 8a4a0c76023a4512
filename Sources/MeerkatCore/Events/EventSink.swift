/// Which run an event belongs to.
public struct RunIdentity: Sendable, Hashable {
    public var session: SessionID
    public var run: RunID

    public init(session: SessionID, run: RunID) {
        self.session = session
        self.run = run
    }
}

/// Takes the events of runs, in order, and says when it has enough for now.
///
/// Nothing is ever dropped: a batch that is offered is taken. The answer tells whether the next one is welcome.
public protocol EventSink: Sendable {
    /// Whether the reader obeys `discard_text`, so that a call may be repeated after some of its text was shown.
    var acceptsDiscardedText: Bool { get }
    /// Takes a batch; short and without waiting, because it is called on event loops.
    ///
    /// - Returns: ``hasRoom(for:)`` afterwards; `false` asks the caller to wait for room.
    func offer(_ batch: borrowing EventBatch, of run: RunIdentity) -> Bool
    /// Whether the reader keeps up with the events of a run; derived from what is unread, and nothing else.
    func hasRoom(for run: RunIdentity) -> Bool
    /// Runs `action` once there is room for this run again; at once when there is.
    func whenDrained(of run: RunIdentity, _ action: @escaping @Sendable () -> Void)
}

extension EventSink {
    public var acceptsDiscardedText: Bool { true }

    /// Takes a batch and waits until there is room for the next.
    ///
    /// Ends early when the task is cancelled.
    public func emit(_ batch: EventBatch, of run: RunIdentity) async {
        guard !offer(batch, of: run) else { return }
        let drained = AsyncLatch<Void>()
        whenDrained(of: run) { drained.open(()) }
        _ = await drained.valueUnlessCancelled
    }
}

/// A sink for those who do not want events.
public struct IgnoringEventSink: EventSink {
    public init() {}
    public func offer(_ batch: borrowing EventBatch, of run: RunIdentity) -> Bool { true }
    public func hasRoom(for run: RunIdentity) -> Bool { true }
    public func whenDrained(of run: RunIdentity, _ action: @escaping @Sendable () -> Void) { action() }
}
