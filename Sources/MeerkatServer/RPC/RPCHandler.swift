internal import MeerkatCore
internal import MeerkatJSON
internal import MeerkatProtocol
internal import Synchronization

/// A request that is being answered.
final class RPCCall: Sendable {
    let id: RPCID
    let connection: RPCConnection
    private let state = Mutex<(task: Task<Void, Never>?, isCancelled: Bool, run: RunID?)>((nil, false, nil))
    private let isAnswered = Atomic<Bool>(false)

    init(id: RPCID, connection: RPCConnection) {
        self.id = id
        self.connection = connection
    }

    var runtime: any AgentRuntime { connection.runtime }

    /// Takes the events of a run that this request starts.
    var events: RunStream {
        RunStream(for: id, output: connection.output, acceptsDiscardedText: connection.discardsText) { [self] run in
            willAnswer(run)
        }
    }

    func require(_ requested: CapabilityRequests) throws(RPCError) {
        for feature in requested.features {
            if let id = CapabilityID(rawValue: feature), Capabilities().status(of: id) != .notCompiled { continue }
            throw RPCError(SessionError(.unavailable(feature: feature)))
        }
    }

    /// Takes the right to answer the request; false when somebody else has it.
    func beginAnswer() -> Bool { !isAnswered.exchange(true, ordering: .relaxed) }

    /// The run whose outcome is the answer, unless another request has asked for it before.
    var run: RunID? { state.withLock { $0.run } }

    /// Lets an interrupt of the run wait for the answer of this request.
    private func willAnswer(_ run: RunID) {
        if connection.willAnswer(run) { state.withLock { $0.run = run } }
    }

    /// Does what starts a run under an id that is known from here on, so that an interrupt can wait for the answer.
    func running(
        _ chosen: RunID?, _ body: (RunID) async throws(SessionError) -> RunResult
    ) async throws(RPCError) -> WireRunResult {
        let run = chosen ?? connection.newRunID()
        willAnswer(run)
        do throws(SessionError) { return WireRunResult(try await body(run)) } catch { throw RPCError(error) }
    }

    // MARK: Life

    func own(_ task: Task<Void, Never>) {
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Waits until the request is answered.
    func end() async {
        await state.withLock { $0.task }?.value
    }

    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}

/// A method and what answers it.
struct RPCHandler: Sendable {
    let name: String
    /// Whether the work up to its first wait is short: it is done in the order of the lines then, so that an interrupt
    /// finds the turn that was asked for before it.
    let isPrompt: Bool
    let answer: @Sendable (RawJSON?, RPCCall) async throws(RPCError) -> any JSONWritable & Sendable

    static func on<M: RPCMethod>(
        _ method: M.Type, isPrompt: Bool = true,
        _ body: @escaping @Sendable (M.Params, RPCCall) async throws(RPCError) -> M.Result
    ) -> RPCHandler {
        RPCHandler(name: M.name, isPrompt: isPrompt) { (params, call) throws(RPCError) in
            let decoded: M.Params
            do throws(JSONError) {
                decoded = try M.Params(json: (params ?? .emptyObject).bytes)
            } catch {
                throw .invalidParams(error)
            }
            return try await body(decoded, call)
        }
    }
}

extension RPCError {
    init(_ error: ConfigError) {
        self.init(error.code, error.description, details: error.details)
    }

    /// Does `body` and shows its error as this surface does.
    static func translating<T>(_ body: () async throws(SessionError) -> T) async throws(RPCError) -> T {
        do throws(SessionError) { return try await body() } catch { throw RPCError(error) }
    }
}
