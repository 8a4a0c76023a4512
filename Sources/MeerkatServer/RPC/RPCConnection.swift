public import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProtocol
internal import Synchronization

/// One client: takes its lines, answers its requests, and can ask it something in turn.
///
/// Every request has a task of its own, which this connection owns until it is answered; answers leave in the order in
/// which they are ready.
public final class RPCConnection: Sendable {
    private struct State {
        /// The requests that are not answered yet.
        var calls: [ObjectIdentifier: RPCCall] = [:]
        /// Opened when the answer of the request that waits for a run has been sent.
        var runs: [RunID: AsyncLatch<Void>] = [:]
        var nextRequest = 0
        /// Requests of this side that wait for the client's answer.
        var asked: [RPCID: AsyncLatch<Result<RawJSON, RPCError>>] = [:]
        var discardsText = false
    }

    let runtime: any AgentRuntime
    let configuration: any ConfigurationStore
    let output: RPCOutput
    private let clock: any RuntimeClock
    private let ids: any IDGenerator
    private let log: Log
    private let openRequests = Backlog(limit: RPCOutput.requestLimit)
    private let state = Mutex(State())

    public init(
        runtime: any AgentRuntime, configuration: any ConfigurationStore, output: RPCOutput,
        clock: any RuntimeClock, ids: any IDGenerator, log: Log = .none
    ) {
        self.runtime = runtime
        self.configuration = configuration
        self.output = output
        self.clock = clock
        self.ids = ids
        self.log = log
    }

    var discardsText: Bool { state.withLock { $0.discardsText } }

    func clientDiscardsText() {
        state.withLock { $0.discardsText = true }
    }

    // MARK: Lines

    /// Takes one line; called by one thread, in order.
    ///
    /// The bytes are not needed after the call.
    public func receive(_ line: UnsafeRawBufferPointer) {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
        do throws(RPCMessage.Refusal) {
            switch try RPCMessage(line) {
            case .request(let id, let method, let params): answer(id, method, params)
            case .notification: break
            case .response(let id, let result): take(result, for: id)
            }
        } catch {
            send(.failure(error.error), for: error.id)
        }
    }

    /// A line was longer than is accepted; it has been skipped.
    public func receiveTooLongLine() {
        send(.failure(.invalidRequest("the line is longer than 64 MiB")), for: nil)
    }

    /// Blocks the reading thread while the client has not read enough of what it was answered.
    ///
    /// - Returns: False when there is no room after `patience`.
    public func waitForRoom(atMost patience: Duration) -> Bool {
        output.unreadResponses.waitForRoom(atMost: patience) && openRequests.waitForRoom(atMost: patience)
    }

    // MARK: Requests of the client

    private func answer(_ id: RPCID, _ method: String, _ params: RawJSON?) {
        if let capability = RPCMethods.unavailable[method] { return send(.failure(.unavailable(capability)), for: id) }
        guard let handler = RPCMethods.byName[method] else { return send(.failure(.unknownMethod(method)), for: id) }
        log(.debug, "request \(id.text): \(handler.name)")
        let call = RPCCall(id: id, connection: self)
        openRequests.add(1)
        state.withLock { $0.calls[ObjectIdentifier(call)] = call }
        let work = { @Sendable [self] in
            do throws(RPCError) {
                let result = try await handler.answer(params, call)
                answer(call, .success(result))
            } catch {
                answer(call, .failure(error))
            }
        }
        // What may wait for a lock or read a lot keeps neither the lines nor the runs waiting.
        call.own(
            handler.isPrompt
                ? Task.immediateDetached(executorPreference: RuntimeExecutor.preferred) { await work() }
                : Task.detached(executorPreference: Blocking.executor ?? RuntimeExecutor.preferred) { await work() })
    }

    /// Answers a request, unless that has happened before.
    private func answer(_ call: RPCCall, _ result: Result<any JSONWritable & Sendable, RPCError>) {
        guard call.beginAnswer() else { return }
        send(result, for: call.id)
        // Only now, because the output is closed when no request is open any more.
        let answered = state.withLock { state in
            state.calls[ObjectIdentifier(call)] = nil
            return call.run.flatMap { state.runs.removeValue(forKey: $0) }
        }
        answered?.open(())
        openRequests.remove(1)
    }

    /// Answers the requests that are still open when the process cannot wait for them any longer.
    ///
    /// - Returns: Whether there were none.
    func abandonRequests() -> Bool {
        let calls = state.withLock { Array($0.calls.values) }
        for call in calls { answer(call, .failure(RPCError(SessionError(.closing, run: call.run)))) }
        return calls.isEmpty
    }

    func newRunID() -> RunID { RunID(ids.uniqueID(at: clock.now)) }

    /// Lets an interrupt of a run wait for the answer of a request; false when another request is waited for already.
    func willAnswer(_ run: RunID) -> Bool {
        state.withLock { state in
            guard state.runs[run] == nil else { return false }
            state.runs[run] = AsyncLatch()
            return true
        }
    }

    /// Waits until the request that started a run, if it came over this connection, has been answered.
    func answer(of run: RunID) async {
        await state.withLock { $0.runs[run] }?.value
    }

    /// Waits until every request is answered.
    public func finishRequests() async {
        while let call = state.withLock({ $0.calls.values.first }) {
            await call.end()
            await Task.yield()
        }
    }

    /// Ends what requests wait for; their answers say so.
    public func cancelRequests() {
        for call in state.withLock({ Array($0.calls.values) }) { call.cancel() }
    }

    // MARK: Requests of this side

    /// Asks the client something and waits for its answer; the connection's end is an answer too.
    func ask(_ method: String, _ params: some JSONWritable) async throws(RPCError) -> RawJSON {
        let latch = AsyncLatch<Result<RawJSON, RPCError>>()
        let id = state.withLock { state in
            state.nextRequest += 1
            let id = RPCID.string("rkat-\(state.nextRequest)")
            state.asked[id] = latch
            return id
        }
        var writer = JSONWriter()
        writer.writeObject { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", id)
            writer.member("method", method)
            writer.member("params", params)
        }
        writer.joinLines()
        writer.bytes.append(UInt8(ascii: "\n"))
        output.send(writer.bytes)
        return try await latch.value.get()
    }

    private func take(_ result: Result<RawJSON, RPCError>, for id: RPCID) {
        guard let latch = state.withLock({ $0.asked.removeValue(forKey: id) }) else {
            return send(.failure(.invalidRequest("an answer to a request that was not made")), for: nil)
        }
        latch.open(result)
    }

    /// Nothing more comes from the client: what it was asked stays unanswered.
    public func inputEnded() {
        let asked = state.withLock { state in
            defer { state.asked = [:] }
            return Array(state.asked.values)
        }
        for latch in asked { latch.open(.failure(RPCError(.internalError, "the client is gone", details: [:]))) }
    }

    // MARK: Lines out

    private func send(_ result: Result<any JSONWritable & Sendable, RPCError>, for id: RPCID?) {
        if case .failure(let error) = result {
            log(.debug, "request \(id?.text ?? "without id"): error \(error.number)")
        }
        var writer = JSONWriter()
        writer.writeObject { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id") { writer in
                if let id { id.write(to: &writer) } else { writer.writeNull() }
            }
            switch result {
            case .success(let value): writer.member("result") { value.write(to: &$0) }
            case .failure(let error): writer.member("error", error)
            }
        }
        writer.joinLines()
        writer.bytes.append(UInt8(ascii: "\n"))
        output.send(writer.bytes)
    }
}
