internal import MeerkatCore

/// One run of a session from its prompt to its one end: activate, call the model, dispatch tools, finish.
///
/// Each phase is a file. A phase throws ``SessionError`` to end the run; ``run(_:)`` is the only exit.
struct RunLoop: Sendable {
    /// What a run is asked for.
    struct Order: Sendable {
        var run: RunID
        var prompt: [Block]
        /// The options of a session that this run creates; nil for a turn of an existing one.
        var creating: SessionOptions?
        var events: any EventSink
    }

    let session: LiveSession
    let order: Order
    let services: EngineServices
    let settings: RunSettings
    let target: ResolvedModel
    /// Model calls begun in this run.
    var calls = 0
    /// Tool calls of this run.
    var toolCalls = 0
    /// The text of the last answer that had any.
    var text: String?
    /// Entries that wait for the next commit.
    var pending: [Entry.Kind] = []
    /// Events that wait for the next commit.
    var announcements = EventBatch()

    var run: RunID { order.run }
    var identity: RunIdentity { RunIdentity(session: session.id, run: order.run) }

    /// Runs to the end.
    ///
    /// The journal, the terminal event and the outcome say the same.
    static func run(_ order: Order, in session: LiveSession, with services: EngineServices) async -> RunHandle.Outcome {
        var loop: RunLoop
        do throws(SessionError) {
            loop = try await activate(order, in: session, with: services)
        } catch {
            services.log(.info, "run \(order.run) refused: \(error.failure.message)")
            return .failure(error)  // nothing was journaled and no event was sent
        }
        do throws(SessionError) {
            let stopReason = try await loop.converse()
            let result = try await loop.complete(stopReason)
            services.log(.info, "run \(order.run) completed after \(result.turns) model calls")
            return .success(result)
        } catch {
            services.log(.warn, "run \(order.run) failed: \(error.failure.message)")
            return .failure(await loop.fail(error))
        }
    }

    /// Calls the model until it asks for nothing more; returns why the run ended when that is not the model's doing.
    private mutating func converse() async throws(SessionError) -> String? {
        while true {
            let answer = try await callModel()
            let toolUses = answer.blocks.toolUses
            if toolUses.isEmpty {
                announce(answer)
                guard answer.isPaused else { return nil }
            } else {
                try await dispatch(toolUses, of: answer)
            }
            guard calls < settings.maxTurns else {
                guard text != nil else { throw failure(.limitReached("max_turns")) }
                return "max_turns"
            }
            try await beginCall()
        }
    }

    func failure(_ cause: SessionError.Cause) -> SessionError {
        SessionError(cause, session: session.id, run: run)
    }
}
