internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProtocol

/// The table of methods; `initialize` reads its names from here.
enum RPCMethods {
    static let all: [RPCHandler] = [
        initialize, initialized, sessionCreate, sessionList, sessionRead, sessionArchive, turnStart, turnInterrupt,
        configGet, configSet, configPatch, capabilitiesGet, sessionHistory, sessionDelete,
        turnResume, sessionFork, sessionCompact, modelsList,
    ]

    /// Methods of the contract whose capability this build lacks.
    static let unavailable: [String: CapabilityID] = ["comms/send": .comms, "comms/peers": .comms]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    // MARK: Handshake

    private static let initialize = RPCHandler.on(Initialize.self) { (params, call) throws(RPCError) in
        if params.discardsText { call.connection.clientDiscardsText() }
        return Initialize.Result(methods: all.map(\.name))
    }

    /// A notification; sent as a request it is answered like one.
    private static let initialized = RPCHandler(name: "initialized", isPrompt: true) { (_, _) throws(RPCError) in
        JSONObject()
    }

    private static let capabilitiesGet = RPCHandler.on(CapabilitiesGet.self) { (_, call) throws(RPCError) in
        Capabilities(sandbox: SandboxStatus(of: call.connection.configuration))
    }

    // MARK: Turns

    private static let sessionCreate = RPCHandler.on(SessionCreate.self) { (params, call) throws(RPCError) in
        try call.require(params.requested)
        guard let prompt = params.prompt else {
            let session = try await RPCError.translating { () throws(SessionError) in
                try await call.runtime.prepareSession(params.options, run: params.run)
            }
            return .prepared(session.summary.id)
        }
        let events = call.events
        return .ran(
            try await call.running(params.run) { (run) throws(SessionError) in
                try await call.runtime.createSession(
                    params.options, prompt: try await prompt.blocks(), run: run, events: events)
            })
    }

    private static let turnStart = RPCHandler.on(TurnStart.self) { (params, call) throws(RPCError) in
        try call.require(params.requested)
        let events = call.events
        return try await call.running(params.run) { (run) throws(SessionError) in
            try await call.runtime.startTurn(
                in: params.session, prompt: try await params.prompt.blocks(), overrides: params.overrides, run: run,
                events: events)
        }
    }

    private static let turnResume = RPCHandler.on(TurnResume.self) { (params, call) throws(RPCError) in
        let events = call.events
        do throws(SessionError) {
            return WireRunResult(
                try await call.runtime.resumeTurn(in: params.session, run: params.run, events: events))
        } catch {
            throw RPCError(error)
        }
    }

    private static let turnInterrupt = RPCHandler.on(TurnInterrupt.self) { (params, call) throws(RPCError) in
        let outcome = try await RPCError.translating { () throws(SessionError) in
            try await call.runtime.interrupt(params.session, run: params.run)
        }
        guard case .ended(let run, let survivors) = outcome else {
            return TurnInterrupt.Result(isInterrupted: outcome != .otherRun)
        }
        await call.connection.answer(of: run)
        return TurnInterrupt.Result(isInterrupted: true, survivors: survivors)
    }

    // MARK: Sessions

    private static let sessionList = RPCHandler.on(SessionList.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        let open = call.runtime.openSessions()
        guard params.includesStored else {
            return SessionList.Result(sessions: open.map { WireSession($0, includesText: false) })
        }
        let page = try await RPCError.translating { () throws(SessionError) in
            try call.runtime.storedSessions(after: params.cursor, limit: params.limit)
        }
        let last = page.last.map { SessionCursor(updatedAt: $0.summary.updatedAt, id: $0.summary.id) }
        return SessionList.Result(
            sessions: page.map { WireSession($0, includesText: false) },
            nextCursor: page.count == params.limit ? last : nil)
    }

    private static let sessionRead = RPCHandler.on(SessionRead.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        try await RPCError.translating { () throws(SessionError) in
            let snapshot = try call.runtime.session(params.session)
            let calls =
                params.includesCalls
                ? try await Blocking.runRequest { () throws(SessionError) in
                    try call.runtime.modelCalls(of: params.session)
                }
                : nil
            return WireSession(snapshot, includesText: true, modelCalls: calls)
        }
    }

    private static let sessionArchive = RPCHandler.on(SessionArchive.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        try await RPCError.translating { () throws(SessionError) in
            try await call.runtime.archive(params.session)
        }
        return Flag("archived")
    }

    private static let sessionDelete = RPCHandler.on(SessionDelete.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        try await RPCError.translating { () throws(SessionError) in
            try await call.runtime.delete(params.session)
        }
        return Flag("deleted")
    }

    private static let sessionHistory = RPCHandler.on(SessionHistory.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        let page = try await RPCError.translating { () throws(SessionError) in
            try call.runtime.history(of: params.session, after: params.cursor, limit: params.limit)
        }
        return SessionHistory.Result(session: params.session, page: page)
    }

    private static let sessionFork = RPCHandler.on(SessionFork.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        let snapshot = try await RPCError.translating { () throws(SessionError) in
            try await call.runtime.fork(params.session, at: params.seq, run: params.run)
        }
        return WireSession(snapshot, includesText: true)
    }

    private static let sessionCompact = RPCHandler.on(SessionCompact.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        let events = call.events
        return SessionCompact.Result(
            try await RPCError.translating { () throws(SessionError) in
                try await call.runtime.compact(params.session, events: events)
            })
    }

    private static let modelsList = RPCHandler.on(ModelsList.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        ModelsList.Result(
            try await RPCError.translating { () throws(SessionError) in
                try await call.runtime.models(of: params.provider)
            })
    }

    // MARK: Configuration

    private static let configGet = RPCHandler.on(ConfigGet.self, isPrompt: false) {
        (_, call) throws(RPCError) in
        do throws(ConfigError) { return try call.connection.configuration.get() } catch { throw RPCError(error) }
    }

    private static let configSet = RPCHandler.on(ConfigSet.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        do throws(ConfigError) { try call.connection.configuration.set(params.config) } catch {
            throw RPCError(error)
        }
        return Flag("ok")
    }

    private static let configPatch = RPCHandler.on(ConfigPatch.self, isPrompt: false) {
        (params, call) throws(RPCError) in
        do throws(ConfigError) { return try call.connection.configuration.patch(params.patch) } catch {
            throw RPCError(error)
        }
    }
}

extension WirePrompt {
    /// The blocks; files are read on a thread that may wait for them.
    fileprivate func blocks() async throws(SessionError) -> [Block] {
        // Without a wait, a turn begins in the order of the lines.
        guard hasFiles else { return try blocks { _, _ in nil } }
        return try await Blocking.runRequest { () throws(SessionError) in
            try blocks { Files.read($0, limit: $1) }
        }
    }
}

extension Blocking {
    /// Runs the blocking work of a request.
    ///
    /// - Throws: What `body` throws; ``StoreError/failed(_:)`` when the system refuses a thread for it.
    fileprivate static func runRequest<T: Sendable>(
        _ body: @Sendable () throws(SessionError) -> T
    ) async throws(SessionError) -> T {
        try await run(orThrow: { SessionError(.store(.failed($0.message))) }, body)
    }
}
