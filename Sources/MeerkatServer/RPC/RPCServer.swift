public import MeerkatCore
internal import MeerkatIO

/// Serves one connection on standard input and output, and ends the process when it is over.
public struct RPCServer: Sendable {
    /// Longest line that is read, in bytes.
    static let lineLimit = 64 << 20
    /// How long running turns may go on after the input has ended.
    static let grace = Duration.seconds(4)
    /// The latest end after a signal.
    static let signalLimit = Duration.milliseconds(900)

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
    /// process exits with 0, or with 1 when nobody reads the output any more.
    ///
    /// Blocks the calling thread.
    public func serve() -> Never {
        let (runtime, clock) = (runtime, clock)
        let isPipe = Descriptors.isPipe(Descriptors.standardOutput)
        let output = RPCOutput(
            writeNow: { isPipe && Descriptors.writeToPipeIfReady($0, Descriptors.standardOutput) }
        ) { bytes in
            let isWritten = Descriptors.write(bytes, to: Descriptors.standardOutput)
            if !isWritten { Self.end(runtime, clock, status: 1) }
            return isWritten
        }
        let connection = RPCConnection(
            runtime: runtime, configuration: configuration, output: output, clock: clock, ids: ids, log: log)
        do throws(SystemError) {
            try endOnSignals(connection, output)
            try startThreads(output)
        } catch {
            Descriptors.writeIfReady("rkat: \(error.message)\n", to: Descriptors.standardError)
            Signals.exitNow(1)
        }
        var reader = LineReader(descriptor: Descriptors.standardInput, limit: Self.lineLimit)
        reader.forEach { line in
            connection.waitForRoom()
            switch line {
            case .line(let bytes): connection.receive(bytes)
            case .tooLong: connection.receiveTooLongLine()
            }
        }
        connection.inputEnded()
        Blocking.wait(on: RuntimeExecutor.preferred) {
            // What was asked before the end is answered, if that does not take too long.
            let isOver = AsyncLatch<Void>()
            let timer = clock.schedule(after: Self.grace) { isOver.open(()) }
            let requests = Task.detached(executorPreference: RuntimeExecutor.preferred) {
                await connection.finishRequests()
                isOver.open(())
            }
            await isOver.value
            timer.cancel()
            await runtime.close(grace: .zero)
            await requests.value
        }
        output.close()
        Signals.exitNow(0)
    }

    private func endOnSignals(_ connection: RPCConnection, _ output: RPCOutput) throws(SystemError) {
        let (runtime, clock) = (runtime, clock)
        try Signals.onTermination {
            Blocking.wait(on: RuntimeExecutor.preferred) {
                _ = clock.schedule(after: Self.signalLimit) { Signals.exitNow(0) }
                await runtime.close(grace: .zero)
                await connection.finishRequests()
            }
            output.close()
            Signals.exitNow(0)
        }
    }

    /// Starts the threads without which no request can be answered; others are started when they are needed.
    private func startThreads(_ output: RPCOutput) throws(SystemError) {
        try output.start()
        try TimerThread.shared.start()
        if let pool = RuntimeExecutor.preferred as? ThreadPool { try pool.start() }
    }

    /// Nobody reads: what is running is ended and journaled, then the process ends.
    private static func end(_ runtime: any AgentRuntime, _ clock: any RuntimeClock, status: Int32) {
        _ = clock.schedule(after: .seconds(5)) { Signals.exitNow(status) }
        Task.detached(executorPreference: RuntimeExecutor.preferred) {
            await runtime.close(grace: .zero)
            Signals.exitNow(status)
        }
    }
}
