public import MeerkatIO
internal import Synchronization

/// The way out of a connection: lines leave in the order in which they were sent, written by one thread.
///
/// Nothing is dropped. Senders learn what is still unread: a run stops reading its provider, and a connection its
/// requests, while the other side does not keep up.
public final class RPCOutput: Sendable {
    /// Most unread bytes of responses before no more requests are read.
    static let responseLimit = 64 << 20
    /// Most open requests before no more are read.
    static let requestLimit = 1024

    fileprivate struct Lines: Sendable {
        var bytes: [UInt8]
        /// The run whose events these are; nil for responses.
        var run: RunStream?
    }

    private let worker: BatchWorker<Lines>
    private let writer: Writer
    private let writeNow: @Sendable ([UInt8]) -> Bool
    let unreadResponses: Backlog

    /// - Parameters:
    ///   - writeNow: writes bytes whole if that does not block, else does nothing and returns false.
    ///   - write: writes bytes and blocks until they are taken; false when nobody will read any more.
    public init(
        writeNow: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }, _ write: @escaping @Sendable ([UInt8]) -> Bool
    ) {
        let unreadResponses = Backlog(limit: Self.responseLimit)
        let writer = Writer(write: write, unreadResponses: unreadResponses)
        self.unreadResponses = unreadResponses
        self.writer = writer
        self.writeNow = writeNow
        worker = BatchWorker("output") { batch in
            writer.write(batch)
        }
    }

    /// Starts the thread that writes.
    ///
    /// - Throws: ``SystemError`` when the system refuses it; it is started by the first line otherwise.
    public func start() throws(SystemError) {
        try worker.start()
    }

    /// How often the thread that writes has written something.
    var writeCount: Int { writer.writeCount.load(ordering: .relaxed) }

    /// Sends the lines of a run's events.
    func send(_ lines: [UInt8], of run: RunStream) {
        submit(Lines(bytes: lines, run: run))
    }

    /// Sends a response or a request of this side.
    func send(_ line: [UInt8]) {
        unreadResponses.add(line.count)
        submit(Lines(bytes: line, run: nil))
    }

    /// When nothing waits and the reader has room, the calling thread writes: that is cheaper than waking another.
    private func submit(_ lines: Lines) {
        worker.submit(lines) { lines in
            guard writeNow(lines.bytes) else { return false }
            writer.wasWritten(lines)
            return true
        }
    }

    /// Writes what was sent so far and takes no more; blocks the calling thread, but no longer than `limit`.
    ///
    /// - Returns: Whether everything that was sent has been written.
    public func close(within limit: Duration) -> Bool {
        worker.close(within: limit) && !writer.hasFailed.load(ordering: .acquiring)
    }
}

/// The side of the output that the writing thread uses.
private final class Writer: Sendable {
    private static let blockSize = 256 * 1024

    /// Something could not be written.
    let hasFailed = Atomic<Bool>(false)
    let writeCount = Atomic<Int>(0)
    private let writeBytes: @Sendable ([UInt8]) -> Bool
    private let unreadResponses: Backlog

    init(write: @escaping @Sendable ([UInt8]) -> Bool, unreadResponses: Backlog) {
        writeBytes = write
        self.unreadResponses = unreadResponses
    }

    /// Joins small pieces, because a write costs more than a copy.
    func write(_ pieces: [RPCOutput.Lines]) {
        var start = 0
        while start < pieces.count {
            var end = start + 1
            var size = pieces[start].bytes.count
            while end < pieces.count, size + pieces[end].bytes.count <= Self.blockSize {
                size += pieces[end].bytes.count
                end += 1
            }
            let bytes = end == start + 1 ? pieces[start].bytes : Self.joined(pieces[start..<end], size)
            if !writeBytes(bytes) { hasFailed.store(true, ordering: .releasing) }
            writeCount.add(1, ordering: .relaxed)
            for piece in pieces[start..<end] { wasWritten(piece) }
            start = end
        }
    }

    func wasWritten(_ piece: RPCOutput.Lines) {
        guard let run = piece.run else {
            unreadResponses.remove(piece.bytes.count)
            return
        }
        run.wasWritten(piece.bytes.count)
    }

    private static func joined(_ pieces: ArraySlice<RPCOutput.Lines>, _ size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for piece in pieces { bytes.append(contentsOf: piece.bytes) }
        return bytes
    }
}
