internal import MeerkatCore

extension RunLoop {
    /// Loads the session, chooses the model and makes the run durable, together with its first model call.
    ///
    /// - Throws: when the run cannot begin; nothing of it is in the journal then.
    static func activate(
        _ order: Order, in session: LiveSession, with services: EngineServices
    ) async throws(SessionError) -> RunLoop {
        do throws(SessionError) {
            return try await begin(order, in: session, with: services)
        } catch {
            // Another process has been at it since the session was loaded: look again, once.
            guard error.cause == .store(.conflict), order.creating == nil else { throw error }
            return try await begin(order, in: session, with: services)
        }
    }

    private static func begin(
        _ order: Order, in session: LiveSession, with services: EngineServices
    ) async throws(SessionError) -> RunLoop {
        // A session that could not be created does not exist: its id is not told.
        let known = order.creating == nil ? session.id : nil
        do throws(StoreError) {
            if !session.isLoaded { try session.load(from: services.store) }
        } catch {
            throw SessionError(error == .notFound ? .notFound : .store(error), session: known, run: order.run)
        }
        guard let (stored, isArchived) = session.withLoaded({ ($0.state.options, $0.state.isArchived) }), !isArchived
        else { throw SessionError(.notFound, session: known, run: order.run) }
        let options = order.creating ?? stored
        let target: ResolvedModel
        do throws(SessionError) { target = try await services.model(options) } catch {
            throw SessionError(error.cause, session: known, run: order.run)
        }
        var loop = RunLoop(
            session: session, order: order, services: services, settings: session.settings, target: target)
        // Inside the lock, because a copy of the history that lives on would be copied whole by the append.
        let opening = session.withLoaded { loop.opening(of: $0.state, options: options) } ?? []
        do throws(StoreError) {
            try await session.append(opening, ownership: .take, newRun: order.run, with: services)
        } catch {
            throw SessionError(.store(error), session: known, run: order.run)
        }
        services.log(
            .info,
            "run \(order.run) of session \(session.id) asks \(target.model) at \(target.provider.endpoint)")
        loop.announceStart()
        return loop
    }

    /// The entries that begin the run: what an interrupted run left open is closed first.
    private mutating func opening(
        of state: SessionState, options: SessionOptions
    ) -> [(kind: Entry.Kind, run: RunID?)] {
        var entries: [(kind: Entry.Kind, run: RunID?)] = []
        if order.creating != nil { entries.append((.sessionCreated(options), nil)) }
        if let interrupted = state.openRun {
            for call in state.unansweredCalls {
                entries.append((.toolFinished(.closing(call.toolUse, wasStarted: call.isStarted)), interrupted))
            }
            entries.append((.runFinished(.cancelled(reason: "interrupted")), interrupted))
        }
        let instructions = state.instructions ?? services.instructions(options)
        let tools = services.toolDefinitions
        if state.instructions == nil || state.tools != tools {
            entries.append((.contextSet(instructions: instructions, tools: tools), nil))
        }
        entries.append((.runStarted(prompt: order.prompt), run))
        entries.append((nextCall(), run))
        return entries
    }

    private mutating func announceStart() {
        announcements.append(
            .runStarted(
                RunStarted(
                    sessionID: session.id, prompt: order.prompt.joinedText, provider: target.provider.name,
                    model: target.model, endpoint: target.provider.endpoint)))
        announcements.append(.turnStarted(TurnStarted(turnNumber: calls - 1)))
    }
}

extension EngineServices {
    /// What models are told of the tools, in a fixed order.
    var toolDefinitions: [ToolDefinition] {
        tools.values.map(\.definition).sorted { $0.name < $1.name }
    }
}

extension LiveSession {
    /// Reads the session's entries from the store.
    func load(from store: any SessionStore) throws(StoreError) {
        load(try SessionState(id: id, from: store))
    }
}

extension SessionState {
    /// The state after all stored entries.
    ///
    /// - Throws: ``StoreError/notFound`` when there are none, ``StoreError/unreadable(_:)`` when a newer rkat wrote one.
    init(id: SessionID, from store: any SessionStore) throws(StoreError) {
        self.init(id: id)
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
    }
}
