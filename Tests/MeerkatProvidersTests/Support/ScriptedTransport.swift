import MeerkatCore
import MeerkatIO
import Synchronization

@testable import MeerkatProviders

/// Answers each request with what it was given, piece by piece.
final class ScriptedTransport: HTTPTransport {
    /// How an exchange ends when its pieces are used up.
    enum End: Sendable {
        case normal
        case error(HTTPError)
        /// The connection stays open.
        case never
    }

    struct Answer: Sendable {
        var status = 200
        var headers = [(name: "content-type", value: "text/event-stream")]
        var pieces: [[UInt8]] = []
        var end = End.normal
    }

    private struct State {
        var requests: [HTTPRequest] = []
        var flows: [HTTPFlow] = []
    }

    private let answers: [Answer]
    private let state = Mutex(State())

    /// Takes the answers in their order; the last one is given again.
    init(_ answers: Answer...) {
        self.answers = answers
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    /// What the receiver said to each piece.
    var flows: [HTTPFlow] { state.withLock { $0.flows } }

    func send(_ request: HTTPRequest, to receiver: some HTTPReceiver) async throws(HTTPError) {
        let answer = state.withLock { state in
            state.requests.append(request)
            return answers[min(state.requests.count, answers.count) - 1]
        }
        if case .error(let error) = answer.end, answer.pieces.isEmpty { throw error }
        receiver.receive(HTTPHead(status: answer.status, headers: answer.headers))
        for piece in answer.pieces {
            let flow = piece.withBytes { receiver.receive($0.bytes) }
            state.withLock { $0.flows.append(flow) }
            if flow == .stop { return }
            if flow == .pause { await withCheckedContinuation { done in receiver.whenReady { done.resume() } } }
            receiver.receiveEndOfRead()
            if Task.isCancelled { throw .cancelled }
        }
        switch answer.end {
        case .normal: return
        case .error(let error): throw error
        case .never:
            try? await Task.sleep(for: .seconds(3600))  // ends by cancellation
            throw .cancelled
        }
    }
}

/// Keeps what is offered, and has room for it or not.
final class CollectingSink: ModelSink {
    private struct State {
        var outcome = Outcome()
        var batches = 0
        var drains = 0
    }

    let hasRoom: Bool
    private let state = Mutex(State())

    init(hasRoom: Bool = true) {
        self.hasRoom = hasRoom
    }

    var text: String { state.withLock { $0.outcome.text } }
    var batches: Int { state.withLock { $0.batches } }
    var drains: Int { state.withLock { $0.drains } }

    func offer(_ batch: borrowing EventBatch) -> Bool {
        let events = batch.events
        state.withLock { state in
            var copy = EventBatch()
            for event in events { copy.append(event) }
            state.outcome.add(copy)
            state.batches += 1
        }
        return hasRoom
    }

    func whenDrained(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.drains += 1 }
        action()
    }
}

/// A clock that stands at one moment; what is scheduled happens at once when its delay is at most `patience`.
struct StoppedClock: RuntimeClock {
    struct Nothing: ScheduledAction {
        func cancel() {}
    }

    var now = Timestamp(milliseconds: 784_111_777_000)  // Sun, 06 Nov 1994 08:49:37 GMT
    var uptime: UInt64 { 0 }
    var patience = Duration.zero

    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        if delay <= patience { action() }
        return Nothing()
    }
}

extension ModelRequest {
    /// A request with a history of `groups`, rendered by `provider`, a chunk per group.
    static func of(
        _ groups: [MessageGroup], by provider: some ModelProvider, _ change: (inout ModelRequest) -> Void = { _ in }
    ) -> ModelRequest {
        var request = ModelRequest(
            model: "model", maxTokens: 100, instructions: "Be brief.",
            history: RenderedHistory(chunks: groups.map { Array(rendered([$0], by: provider, model: "model").utf8) }))
        change(&request)
        return request
    }
}

extension HTTPRequest {
    var text: String { String(decoding: body.joined(), as: UTF8.self) }
}

extension ProviderConnection {
    /// A connection over which nothing is sent.
    init(_ endpoint: Endpoint) {
        self.init(
            name: "test", endpoint: endpoint, transport: ScriptedTransport(ScriptedTransport.Answer()),
            clock: StoppedClock())
    }
}
