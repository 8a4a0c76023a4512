internal import MeerkatCore
internal import MeerkatJSON
internal import MeerkatProtocol
internal import Synchronization

/// Turns the events of the run that a request started into `session/event` lines.
///
/// The lines are encoded where the events arise. While more than ``limit`` bytes of them are unread the run is asked to
/// wait.
final class RunStream: EventSink {
    /// Most unread bytes of a run's events.
    static let limit = 1 << 20

    private struct State {
        /// Everything of a line before the event, the same for the whole run.
        var prefix: [UInt8] = []
        var unread = 0
        /// The limit was passed, and not half of it has been read since.
        var isFull = false
        var waiting: [@Sendable () -> Void] = []
    }

    private let request: RPCID
    private let output: RPCOutput
    let acceptsDiscardedText: Bool
    /// Called before the first event leaves.
    private let begin: @Sendable (RunID) -> Void
    private let state = Mutex(State())

    init(
        for request: RPCID, output: RPCOutput, acceptsDiscardedText: Bool, begin: @escaping @Sendable (RunID) -> Void
    ) {
        self.request = request
        self.output = output
        self.acceptsDiscardedText = acceptsDiscardedText
        self.begin = begin
    }

    func offer(_ batch: borrowing EventBatch, of run: RunIdentity) -> Bool {
        guard !batch.isEmpty else { return true }
        let (prefix, isFirst) = state.withLock { state in
            let isFirst = state.prefix.isEmpty
            if isFirst { state.prefix = Self.prefix(of: run, request) }
            return (state.prefix, isFirst)
        }
        if isFirst { begin(run.run) }
        let lines = batch.lines(prefix: prefix)
        let hasRoom = state.withLock { state in
            state.unread += lines.count
            if state.unread > Self.limit { state.isFull = true }
            return !state.isFull
        }
        output.send(lines, of: self)
        return hasRoom
    }

    func hasRoom(for run: RunIdentity) -> Bool { state.withLock { !$0.isFull } }

    func whenDrained(of run: RunIdentity, _ action: @escaping @Sendable () -> Void) {
        let hasRoom = state.withLock { state in
            guard state.isFull else { return true }
            state.waiting.append(action)
            return false
        }
        if hasRoom { action() }
    }

    /// Some of the lines have left.
    func wasWritten(_ count: Int) {
        let waiting = state.withLock { state -> [@Sendable () -> Void] in
            state.unread -= count
            guard state.isFull, state.unread <= Self.limit / 2 else { return [] }
            state.isFull = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for action in waiting { action() }
    }

    private static func prefix(of run: RunIdentity, _ request: RPCID) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"jsonrpc":"2.0","method":"session/event","params":{"session_id":"#)
        run.session.write(to: &writer)
        writer.raw(#","run_id":"#)
        run.run.write(to: &writer)
        writer.raw(#","request_id":"#)
        request.write(to: &writer)
        writer.raw(#","event":"#)
        return writer.bytes
    }
}

extension EventBatch {
    /// One line per event.
    fileprivate borrowing func lines(prefix: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: items.count * (prefix.count + 64) + text.count)
        text.withUnsafeBufferPointer { text in
            for item in items {
                writer.bytes.append(contentsOf: prefix)
                switch item {
                case .textDelta(let range):
                    writer.raw(#"{"type":"text_delta","delta":""#)
                    writer.appendEscaped(UnsafeBufferPointer(rebasing: text[range]))
                    writer.raw("\"}}}\n")
                case .reasoningDelta(let range):
                    writer.raw(#"{"type":"reasoning_delta","delta":""#)
                    writer.appendEscaped(UnsafeBufferPointer(rebasing: text[range]))
                    writer.raw("\"}}}\n")
                case .event(let event):
                    let start = writer.bytes.count
                    event.write(to: &writer)
                    writer.joinLines(from: start)
                    writer.raw("}}\n")
                }
            }
        }
        return writer.bytes
    }
}
