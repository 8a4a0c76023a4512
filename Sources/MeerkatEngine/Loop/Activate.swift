internal import MeerkatCore

extension RunLoop {
    /// Loads the session, chooses the model and makes the run durable, with its first model call where that can follow
    /// at once.
    ///
    /// - Throws: when the run cannot begin; nothing of it is in the journal then.
    static func activate(
        _ order: Order, in session: LiveSession, as handle: RunHandle, with services: EngineServices
    ) async throws(SessionError) -> (RunLoop, Position) {
        guard !order.isCreating else { return try await begin(order, in: session, as: handle, with: services) }
        return try await session.withCurrent(with: services) { () async throws(SessionError) in
            try await begin(order, in: session, as: handle, with: services)
        }
    }

    private static func begin(
        _ order: Order, in session: LiveSession, as handle: RunHandle, with services: EngineServices
    ) async throws(SessionError) -> (RunLoop, Position) {
        var loop = try await prepare(order, in: session, as: handle, with: services)
        do throws(SessionError) {
            let position = try await loop.open()
            return (loop, position)
        } catch {
            throw SessionError(error.cause, session: order.isCreating ? nil : session.id, run: order.run)
        }
    }

    /// Loads the session and chooses what the run needs; writes nothing.
    static func prepare(
        _ order: Order, in session: LiveSession, as handle: RunHandle, with services: EngineServices
    ) async throws(SessionError) -> RunLoop {
        // A session that could not be created does not exist: its id is not told.
        let known = order.isCreating ? nil : session.id
        do throws(StoreError) {
            if !session.isLoaded { try await session.load(with: services) }
        } catch {
            throw SessionError(.store(error), session: known, run: order.run)
        }
        let found = session.withLoaded { loaded in
            (loaded.state.options, loaded.state.isArchived, loaded.state.openRun?.overrides)
        }
        guard let (stored, isArchived, openOverrides) = found else {
            throw SessionError(.store(.conflict), session: known, run: order.run)
        }
        guard !isArchived else { throw SessionError(.notFound, session: known, run: order.run) }
        let options: SessionOptions
        switch order.kind {
        case .create(let created, _): options = created
        case .turn(_, let overrides): options = stored.overridden(by: overrides)
        case .resume: options = stored.overridden(by: openOverrides ?? SessionOptions())
        case .summary: options = stored
        }
        do throws(SessionError) {
            let target = try await services.model(options)
            let totals = session.withLoaded { $0.state.totals } ?? SessionTotals()
            try services.checkPrice(of: target, for: options, totals: totals)
            try await services.checkFallbackPrices(for: options)
            try order.checkImages(for: target)
            try await session.waitForProcesses(with: services)
            return RunLoop(
                session: session, order: order, handle: handle, services: services, settings: session.settings,
                options: options, target: target, fallbacks: (options.fallbackModels ?? [])[...],
                tools: session.tools(for: options, with: services),
                answerCheck: try services.answerCheck(for: options, target),
                budget: BudgetMeter(options.limits, session.settings),
                repetition: RepetitionGuard(limit: session.settings.tools.maxRepeats))
        } catch {
            throw SessionError(error.cause, session: known, run: order.run)
        }
    }

    /// Makes the beginning, or the going on, of the run durable and tells of it.
    private mutating func open() async throws(SessionError) -> Position {
        let messages = order.isResuming ? [] : session.inbox(after: 0)
        // Inside the lock, because a copy of the history that lives on would be copied whole by the append.
        let opened = session.withLoaded { loaded -> Opening? in
            switch order.kind {
            case .create(let options, let prompt):
                begin(loaded.state, prompt, overrides: nil, creating: options, messages: [])
            case .turn(let prompt, let overrides):
                begin(loaded.state, prompt, overrides: overrides, creating: nil, messages: messages)
            case .resume: resume(loaded.state)
            case .summary: nil
            }
        }
        // Something else has found that what was loaded is old.
        guard let opened else { throw failure(.store(.conflict)) }
        guard let (entries, position, prompt) = opened else { throw failure(.notInterrupted) }
        do throws(StoreError) {
            try await session.append(
                entries, .begin, newRun: order.isResuming ? nil : order.run, messages: messages.count, with: services)
        } catch {
            throw failure(.store(error))
        }
        hasBegun = true
        services.log(
            .info,
            "run \(order.run) of session \(session.id) asks \(target.model) at \(target.provider.endpoint)")
        // Calls that a resumed run has closed are told of behind its beginning.
        let closings = announcements.events
        announcements = EventBatch(
            .runStarted(
                RunStarted(
                    sessionID: session.id, prompt: prompt.joinedText, provider: target.provider.name,
                    model: target.model, endpoint: target.provider.endpoint, isResumed: order.isResuming)))
        for event in closings { announcements.append(event) }
        if case .called = position { announcements.append(.turnStarted(TurnStarted(turnNumber: calls - 1))) }
        return position
    }

    typealias Opening = (entries: [LiveSession.Addition], position: Position, prompt: [Block])

    /// The entries that begin the run: what an interrupted run left open is closed first.
    private mutating func begin(
        _ state: SessionState, _ prompt: [Block], overrides: SessionOptions?, creating: SessionOptions?,
        messages: ArraySlice<LiveSession.Message>
    ) -> Opening? {
        var entries: [LiveSession.Addition] = []
        if let creating { entries.append((.sessionCreated(creating, origin: nil), nil)) }
        if let interrupted = state.openRun {
            for call in state.unansweredCalls {
                entries.append((.toolFinished(.closing(call.toolUse, wasStarted: call.isStarted)), interrupted.id))
            }
            entries.append((.runFinished(.cancelled(reason: "interrupted")), interrupted.id))
        }
        entries += context(state).map { ($0, nil) }
        entries += messages.map { ($0.entry, nil) }
        let isOverriding = overrides.map { $0 != SessionOptions() } ?? false
        entries.append((.runStarted(prompt: prompt, overrides: isOverriding ? overrides : nil), run))
        budget.begin(state.totals, toolCalls: state.toolCallCount)
        // What a limit of costs leaves is found out when the prompt is part of the conversation.
        guard !isCompactionDue(state), budget.exhausted == nil, options.limits.maxCost == nil else {
            return (entries, .idle, prompt)
        }
        entries.append((nextCall(.turn), run))
        return (entries, .called(attempt: 1), prompt)
    }

    /// The instructions and tools to be sent from now on, when they are others than before.
    func context(_ state: SessionState) -> [Entry.Kind] {
        let instructions = state.instructions ?? services.instructions(options)
        guard state.instructions == nil || state.tools != tools.definitions else { return [] }
        return [.contextSet(instructions: instructions, tools: tools.definitions)]
    }
}

extension RunLoop.Order {
    /// Checks that the model sees the pictures of the prompt.
    ///
    /// - Throws: ``SessionError/Cause/invalidOption(field:message:)`` when it is known not to.
    fileprivate func checkImages(for target: ResolvedModel) throws(SessionError) {
        let prompt: [Block]
        switch kind {
        case .create(_, let blocks), .turn(let blocks, _): prompt = blocks
        case .resume, .summary: return
        }
        guard let image = prompt.lazy.compactMap(\.image).first(where: { !target.imageTypes.contains($0.mediaType) })
        else { return }
        throw SessionError(
            .invalidOption(
                field: "prompt",
                message: "\(target.model.quoted) cannot be shown pictures of type \(image.mediaType.rawValue)"))
    }
}

extension EngineServices {
    /// Whether a run with this id was ever started; false as well when that cannot be found out.
    func isKnown(_ run: RunID) -> Bool {
        (try? store.session(ofRun: run)) != nil  // the error that led here is told, not a second one
    }
}

extension SessionState {
    /// The state after all stored entries.
    ///
    /// - Throws: ``StoreError/notFound`` when there are none, ``StoreError/unreadable(_:)`` when a newer rkat wrote one.
    init(id: SessionID, from store: any SessionStore) throws(StoreError) {
        let nextSeq = try store.session(id)?.nextSeq ?? 1
        self = try Self.restarted(id, from: store) ?? SessionState(id: id)
        while true {
            let page = try store.entries(of: id, after: lastSeq, limit: 1000)
            for stored in page {
                switch stored {
                case .entry(let entry): apply(entry)
                case .unreadable(let entry): throw .unreadable(entry)
                }
            }
            guard page.count == 1000 else { break }
        }
        guard lastSeq > 0 else { throw .notFound }
        guard lastSeq + 1 >= nextSeq else {
            throw try store.session(id) == nil
                ? .notFound : .corrupt("session \(id): the entries after \(lastSeq) are missing")
        }
    }

    /// The state before the first entry that its last summary has kept; nil when there is none.
    private static func restarted(_ id: SessionID, from store: any SessionStore) throws(StoreError) -> SessionState? {
        guard let seq = try store.session(id)?.summary.restartSeq, seq > 0,
            let summary = try store.entry(seq, of: id), case .compacted(let compaction) = summary.kind,
            let totals = compaction.totals, var state = SessionState(id: id, restartingAt: summary),
            let created = try store.entry(1, of: id), let context = try store.entry(totals.contextSeq, of: id)
        else { return nil }
        state.apply(created)
        state.apply(context)
        state.skip(to: compaction.keptFrom)
        return state
    }
}

extension SessionStore {
    /// One entry; nil when there is none that this binary reads.
    fileprivate func entry(_ seq: Int, of id: SessionID) throws(StoreError) -> Entry? {
        guard case .entry(let entry)? = try entries(of: id, after: seq - 1, limit: 1).first, entry.seq == seq else {
            return nil
        }
        return entry
    }
}
