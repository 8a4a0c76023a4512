public import MeerkatCore
internal import MeerkatIO

/// Serves one connection on standard input and output, and ends the process when it is over.
public struct RPCServer: Sendable {
    /// Longest line that is read, in bytes.
    static let lineLimit = 64 << 20

    /// The longest times that the steps of the end may take.
    private struct Bounds {
        /// Requests are worked on.
        var requests: Duration
        /// Runs and requests that go on are ended and stored.
        var runs: Duration
        /// What is left to say is written.
        var output: Duration

        static let endOfInput = Bounds(requests: .seconds(4), runs: .seconds(5), output: .seconds(1))
        /// Together less than the second that a signal may take.
        static let signal = Bounds(requests: .zero, runs: .milliseconds(700), output: .milliseconds(150))
        /// Nobody will read what is said.
        static let outputGone = Bounds(requests: .zero, runs: .seconds(5), output: .zero)
    }

    private let runtime: any AgentRuntime
    private let configuration: any ConfigurationStore
    private let clock: any RuntimeClock
    private let ids: any IDGenerator
    private let log: Log

    public init(
        runtime: any AgentRuntime, configuration: any ConfigurationStore, clock: any RuntimeClock,
        ids: any IDGenerator, log: Log = .none
    ) {
        self.runtime = runtime
        self.configuration = configuration
        self.clock = clock
        self.ids = ids
        self.log = log
    }

    /// Reads and answers until the input ends or a signal comes; then everything is journaled and written, and the
    /// process exits with 0, or with 1 when not everything could be written.
    ///
    /// Each step of the end has a bound: after it the process exits, whatever hangs. Blocks the calling thread.
    public func serve() -> Never {
        let isPipe = Descriptors.isPipe(Descriptors.standardOutput)
        let outputEnd = AsyncLatch<Void>()
        let output = RPCOutput(
            writeNow: { isPipe && Descriptors.writeToPipeIfReady($0, Descriptors.standardOutput) }
        ) { bytes in
            let isWritten = Descriptors.write(bytes, to: Descriptors.standardOutput)
            if !isWritten { outputEnd.open(()) }
            return isWritten
        }
        let connection = RPCConnection(
            runtime: runtime, configuration: configuration, output: output, clock: clock, ids: ids, log: log)
        do throws(SystemError) {
            try Signals.onTermination {
                _ = finish(connection, within: .signal)
                Signals.exitNow(0)
            }
            try startThreads(output)
        } catch {
            StandardError.write("rkat: \(error.message)")
            Signals.exitNow(1)
        }
        outputEnd.whenOpen {
            // Not on the thread that writes, which has to take what ending runs say.
            OSThread.startOrRun("output-end") {
                _ = finish(connection, within: .outputGone)
                Signals.exitNow(1)
            }
        }
        read(connection)
        connection.inputEnded()
        Signals.exitNow(finish(connection, within: .endOfInput) ? 0 : 1)
    }

    /// Starts the threads without which no request can be answered; others are started when they are needed.
    private func startThreads(_ output: RPCOutput) throws(SystemError) {
        try output.start()
        try TimerThread.shared.start()
        if let pool = RuntimeExecutor.preferred as? ThreadPool { try pool.start() }
    }

    /// Handles lines until the input ends, or the client has closed it and reads no answers either.
    private func read(_ connection: RPCConnection) {
        let output = connection.output
        var reader = LineReader(descriptor: Descriptors.standardInput, limit: Self.lineLimit)
        reader.forEach { line in
            var written = output.writeCount
            while !connection.waitForRoom(atMost: Bounds.endOfInput.requests) {
                let isRead = output.writeCount != written || Descriptors.isReady(Descriptors.standardOutput)
                if !isRead, Descriptors.isHungUp(Descriptors.standardInput) { return .stop }
                written = output.writeCount
            }
            switch line {
            case .line(let bytes): connection.receive(bytes)
            case .tooLong: connection.receiveTooLongLine()
            }
            return .proceed
        }
    }

    /// Ends what is going on and writes what is left to say; blocks the calling thread.
    ///
    /// - Returns: Whether every request has had its own answer, and everything has been written.
    private func finish(_ connection: RPCConnection, within bounds: Bounds) -> Bool {
        let (runtime, executor) = (runtime, RuntimeExecutor.preferred)
        if bounds.requests > .zero {
            // What was asked before the end is answered, if that does not take too long.
            Blocking.wait(on: executor, atMost: bounds.requests) { await connection.finishRequests() }
        }
        connection.cancelRequests()
        Blocking.wait(on: executor, atMost: bounds.runs) {
            await runtime.close(grace: .zero)
            await connection.finishRequests()
        }
        let isComplete = connection.abandonRequests()
        return connection.output.close(within: bounds.output) && isComplete
    }
}
