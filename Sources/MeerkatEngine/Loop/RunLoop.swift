internal import MeerkatCore
internal import MeerkatJSON

/// One run of a session from its prompt to its one end: activate, compact, call the model, dispatch tools, extract,
/// finish.
///
/// Each phase is a file. A phase throws ``SessionError`` to end the run; ``run(_:in:as:with:)`` is the only exit.
struct RunLoop: Sendable {
    /// What a run is asked for.
    struct Order: Sendable {
        enum Kind: Sendable {
            /// The first turn of a session that is created with it.
            case create(SessionOptions, prompt: [Block])
            case turn(prompt: [Block], overrides: SessionOptions)
            /// The run that was cut off goes on.
            case resume
            /// Nothing but a summary of the conversation, which is no run.
            case summary
        }

        var run: RunID
        var kind: Kind
        var events: any EventSink

        var isCreating: Bool {
            if case .create = kind { true } else { false }
        }

        var isResuming: Bool {
            if case .resume = kind { true } else { false }
        }

        var isRun: Bool {
            if case .summary = kind { false } else { true }
        }
    }

    /// Where a run stands between two of its steps.
    enum Position: Sendable {
        /// Nothing is asked of the model.
        case idle
        /// A call is durable and waits to be made.
        case called(attempt: Int)
        /// Calls of the last answer wait for their results; so many of them, from the first, the limits admit.
        case tools([ToolUse], admitted: Int)
        /// The last answer asked for nothing more.
        case answered([Block])
        /// A call for the final answer is durable and waits to be made.
        case extracting(attempt: Int)
    }

    /// How a run with a result ends.
    struct Ending: Sendable {
        /// Why, when it is not that the model was done.
        var stopReason: String?
        var structuredOutput: RawJSON?
    }

    let session: LiveSession
    let order: Order
    let handle: RunHandle
    let services: EngineServices
    let settings: RunSettings
    /// The session's options with what this run has otherwise.
    let options: SessionOptions
    /// Who is asked; another one after a fallback.
    var target: ResolvedModel
    /// Models to be asked when this one fails for good.
    var fallbacks: ArraySlice<ModelChoice>
    let tools: ToolBox
    /// What the final answer must fit.
    var answerCheck: AnswerCheck?
    var budget: BudgetMeter
    var repetition: RepetitionGuard
    /// Model calls begun in this run, without those for a summary.
    var calls = 0
    /// Tool calls of this run.
    var toolCalls = 0
    /// Answers to extraction calls.
    var extractions = 0
    /// The text of the last answer that had any.
    var text: String?
    /// Something of it is in the journal.
    var hasBegun = false
    /// Entries that wait for the next commit.
    var pending: [Entry.Kind] = []
    /// How many of them are messages of the inbox, which leave it with that commit.
    var takenMessages = 0
    /// Events that wait for the next commit.
    var announcements = EventBatch()

    var run: RunID { order.run }
    var identity: RunIdentity { RunIdentity(session: session.id, run: order.run) }

    /// Runs to the end.
    ///
    /// The journal, the terminal event and the outcome say the same.
    static func run(
        _ order: Order, in session: LiveSession, as handle: RunHandle, with services: EngineServices
    ) async -> RunHandle.Outcome {
        var loop: RunLoop
        let position: Position
        do throws(SessionError) {
            (loop, position) = try await activate(order, in: session, as: handle, with: services)
        } catch {
            services.log(.info, "run \(order.run) refused: \(error.failure.message)")
            // Nothing was journaled and no event was sent. A run that somebody else has begun, or ended, is answered by
            // its record all the same.
            let isRecorded = order.isResuming ? error.cause == .notInterrupted : services.isKnown(order.run)
            return .failure(isRecorded ? SessionError(.store(.duplicateRun), run: order.run) : error)
        }
        let deadline = loop.scheduleDeadline()
        defer { deadline?.cancel() }
        do throws(SessionError) {
            let ending = try await loop.converse(from: position)
            let result = try await loop.complete(ending)
            services.log(.info, "run \(order.run) completed after \(result.turns) model calls")
            return .success(result)
        } catch {
            services.log(.warn, "run \(order.run) failed: \(error.failure.message)")
            return .failure(await loop.fail(error))
        }
    }

    /// Calls the model until it asks for nothing more or a limit is reached.
    private mutating func converse(from start: Position) async throws(SessionError) -> Ending {
        var position = start
        while true {
            switch position {
            case .idle:
                if options.limits.maxCost != nil {
                    // What the next call can cost is known once all that it is about is part of the conversation.
                    takeMessages()
                    try await commit()
                }
                if let ending = try endingByLimit() { return ending }
                try await compactIfDue()
                try await beginCall(.turn)
                position = .called(attempt: 1)
            case .called(let attempt):
                let answer = try await callModel(.turn, attempt: attempt)
                announce(answer)
                let toolUses = answer.blocks.toolUses
                if !toolUses.isEmpty {
                    toolCalls += toolUses.count
                    position = .tools(toolUses, admitted: budget.admit(calls: toolUses.count))
                } else {
                    position = answer.isPaused ? .idle : .answered(answer.blocks)
                }
            case .tools(let calls, let admitted):
                try await dispatch(calls, admitted: admitted)
                position = .idle
            case .answered(let blocks):
                guard let check = answerCheck else { return Ending() }
                return try await extract(from: blocks, check, attempt: nil)
            case .extracting(let attempt):
                guard let check = answerCheck else { return Ending() }
                return try await extract(from: nil, check, attempt: attempt)
            }
        }
    }

    func failure(_ cause: SessionError.Cause) -> SessionError {
        SessionError(cause, session: session.id, run: run)
    }

    /// Why a run whose task was cancelled ends: an interrupt, or its deadline.
    func cancellation(survivors: [String] = []) -> SessionError {
        handle.isExpired ? failure(.limitReached("max_duration")) : failure(.cancelled(survivors: survivors))
    }
}
