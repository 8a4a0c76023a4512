public import MeerkatCore
public import MeerkatJSON
internal import Synchronization

/// A model that answers from a script, one step per call, and remembers what it was sent.
public final class ScriptedProvider: ModelProvider {
    /// What one call does.
    public struct Step: Sendable {
        enum End: Sendable {
            case answer(ModelAnswer)
            case failure(ProviderError)
            /// Nothing more comes until the call is cancelled.
            case silence
        }

        var deltas: [String]
        var end: End

        /// Streams `deltas` and answers with their text.
        public static func text(_ deltas: String..., usage: Usage? = nil) -> Step {
            Step(textPieces: deltas, usage: usage)
        }

        /// Streams `pieces` and answers with their text.
        public init(textPieces pieces: [String], usage: Usage? = nil) {
            deltas = pieces
            end = .answer(ModelAnswer(blocks: [.text(pieces.joined())], stopReason: .endTurn, usage: usage))
        }

        init(deltas: [String] = [], end: End) {
            self.deltas = deltas
            self.end = end
        }

        public static func answer(_ blocks: Block..., stopReason: StopReason = .endTurn, usage: Usage? = nil) -> Step {
            Step(end: .answer(ModelAnswer(blocks: blocks, stopReason: stopReason, usage: usage)))
        }

        public static func answer(_ blocks: [Block], stopReason: StopReason, usage: Usage? = nil) -> Step {
            Step(end: .answer(ModelAnswer(blocks: blocks, stopReason: stopReason, usage: usage)))
        }

        /// Asks for one tool.
        public static func toolCall(_ name: String, id: String = "call_1", arguments: String) -> Step {
            toolCalls((id: id, name: name, arguments: arguments))
        }

        public static func toolCalls(_ calls: (id: String, name: String, arguments: String)...) -> Step {
            let blocks = calls.map { call in
                let arguments = try? RawJSON(call.arguments)  // what is no JSON plays a malformed call
                return Block.toolUse(
                    ToolUse(
                        id: call.id, name: call.name, arguments: arguments,
                        malformedArguments: arguments == nil ? call.arguments : nil))
            }
            return Step(end: .answer(ModelAnswer(blocks: blocks, stopReason: .toolUse, usage: nil)))
        }

        /// Streams `text`, if there is any, and fails.
        public static func failure(_ error: ProviderError, after text: String = "") -> Step {
            Step(deltas: text.isEmpty ? [] : [text], end: .failure(error))
        }

        /// Streams `text`, if there is any, and then stays silent.
        public static func silence(after text: String = "") -> Step {
            Step(deltas: text.isEmpty ? [] : [text], end: .silence)
        }
    }

    private struct State {
        var steps: [Step]
        var requests: [ModelRequest] = []
    }

    public let name: String
    public let endpoint = "script"
    public let wireFormat = WireFormat.chatCompletions
    private let profile: ModelProfile
    private let state: Mutex<State>

    /// - Parameter steps: for the calls in order; a call beyond them fails with an invalid request.
    public convenience init(_ steps: Step...) {
        self.init(steps: steps)
    }

    /// - Parameters:
    ///   - steps: for the calls in order; a call beyond them fails with an invalid request.
    ///   - name: the provider's name.
    ///   - profile: what is known of every model.
    public init(steps: [Step], name: String = "scripted", profile: ModelProfile = ModelProfile()) {
        self.name = name
        self.profile = profile
        state = Mutex(State(steps: steps))
    }

    public func profile(of model: String) -> ModelProfile? { profile }

    /// What was sent, in the order of the calls.
    public var requests: [ModelRequest] { state.withLock { $0.requests } }

    /// The history of each call as text.
    public var histories: [String] {
        requests.map { request in
            "[" + request.history.chunks.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ",") + "]"
        }
    }

    /// Writes a group as `{"user":[…],"results":[…]}` or `{"assistant":[…]}`.
    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                switch group {
                case .input(let results, let messages):
                    if !results.isEmpty {
                        writer.member("results", results.map { "\($0.toolUseID):\($0.content.joinedText)" })
                    }
                    if !messages.isEmpty { writer.member("user", messages.map(\.joinedText)) }
                case .answer(let blocks):
                    writer.member("assistant", blocks)
                }
            }
        }
    }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        let step = state.withLock { state -> Step? in
            state.requests.append(request)
            return state.steps.isEmpty ? nil : state.steps.removeFirst()
        }
        guard let step else { throw ProviderError(.invalidRequest, "the script is over") }
        for delta in step.deltas {
            guard !Task.isCancelled else { throw .cancelled }
            var batch = EventBatch()
            batch.appendDelta(isReasoning: false) { $0.append(contentsOf: delta.utf8) }
            if !sink.offer(batch) { await drained(sink) }
        }
        switch step.end {
        case .answer(let answer): return answer
        case .failure(let error): throw error
        case .silence:
            await cancelled()
            throw .cancelled
        }
    }

    private func drained(_ sink: any ModelSink) async {
        await withUnsafeContinuation { continuation in sink.whenDrained { continuation.resume() } }
    }

    private func cancelled() async {
        let latch = AsyncLatch<Void>()
        await withTaskCancellationHandler {
            await latch.value
        } onCancel: {
            latch.open(())
        }
    }
}
