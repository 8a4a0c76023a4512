public import MeerkatCore
internal import Synchronization

/// Owns the open sessions and their runs; the engine as surfaces see it.
public final class SessionDirectory: AgentRuntime {
    struct Open {
        var sessions: [SessionID: LiveSession] = [:]
        /// Session ids in the order in which they were opened.
        var order: [SessionID] = []
        /// The runs that are going on.
        var runs: [RunID: (session: LiveSession, handle: RunHandle)] = [:]
        var isClosing = false
        /// Memory for histories, estimated.
        var loadedBytes = 0

        mutating func remove(_ session: LiveSession) {
            guard sessions[session.id] === session else { return }
            sessions[session.id] = nil
            order.removeAll { $0 == session.id }
            session.unload()
            loadedBytes += session.memoryChange()
        }
    }

    let services: EngineServices
    private let open = Mutex(Open())

    public init(_ services: EngineServices) {
        self.services = services
    }

    // MARK: Runs

    public func createSession(
        _ options: SessionOptions, prompt: [Block], run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        if let run, let outcome = await runningOutcome(of: run) { return try await answer(outcome, for: run) }
        let resolved: SessionOptions
        do throws(SessionError) { resolved = try await services.resolve(options) } catch {
            if let run, services.isKnown(run) { return try await recordedResult(of: run) }
            throw SessionError(error.cause, run: run)
        }
        let session = newSession()
        let order = RunLoop.Order(
            run: run ?? newRunID(), kind: .create(resolved, prompt: prompt), events: events)
        _ = try register(session)
        let outcome = try await perform(order, in: session)
        if case .failure(let error) = outcome, error.session == nil { forget(session) }
        return try await answer(outcome, for: order.run)
    }

    public func startTurn(
        in id: SessionID, prompt: [Block], overrides: SessionOptions, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        if let run, let outcome = await runningOutcome(of: run) { return try await answer(outcome, for: run) }
        // Asking again must not make the session busy for others, not even for a moment.
        if let run, services.isKnown(run) { return try await recordedResult(of: run) }
        let session: LiveSession
        let resolved: SessionOptions
        do throws(SessionError) {
            session = try self.session(toRun: id)
            resolved = try await services.resolveOverrides(overrides)
        } catch {
            if let run, services.isKnown(run) { return try await recordedResult(of: run) }
            throw SessionError(error.cause, session: error.session ?? id, run: run)
        }
        return try await go(
            on: RunLoop.Order(
                run: run ?? newRunID(), kind: .turn(prompt: prompt, overrides: resolved), events: events),
            in: session, isChosen: run != nil)
    }

    public func resumeTurn(
        in id: SessionID, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        if let run, let outcome = await runningOutcome(of: run) { return try await answer(outcome, for: run) }
        let session = try self.session(toRun: id)
        let stored = try stored(id)
        guard stored.owner != .otherProcess else { throw SessionError(.busy(elsewhere: true), session: id, run: run) }
        guard let open = stored.summary.openRun, run == nil || run == open else {
            // A run that has ended since it was asked about is answered by its record.
            if let run, services.isKnown(run) { return try await recordedResult(of: run) }
            throw SessionError(.notInterrupted, session: id, run: run)
        }
        return try await go(
            on: RunLoop.Order(run: open, kind: .resume, events: events), in: session, isChosen: run != nil)
    }

    /// Runs an order in a session that exists; `isChosen` says that the id of the run comes from a client and may
    /// therefore be known.
    private func go(
        on order: RunLoop.Order, in session: LiveSession, isChosen: Bool
    ) async throws(SessionError) -> RunResult {
        do throws(SessionError) {
            return try await answer(try await perform(order, in: session), for: order.run)
        } catch {
            if error.cause == .notFound { forget(session) }
            // A run that is known is answered even while another one is going on.
            guard error.cause == .busy(elsewhere: false), isChosen else { throw error }
            if let outcome = await runningOutcome(of: order.run) { return try await answer(outcome, for: order.run) }
            guard services.isKnown(order.run) else { throw error }
            return try await recordedResult(of: order.run)
        }
    }

    func newRunID() -> RunID { RunID(services.ids.uniqueID(at: services.clock.now)) }

    /// A session that is not stored yet.
    func newSession() -> LiveSession {
        let now = services.clock.now
        let id = SessionID(services.ids.uniqueID(at: now))
        let summary = SessionSummary(
            id: id, createdAt: now, updatedAt: now, messageCount: 0, usage: Usage(), spending: .zero,
            lastText: nil, isArchived: false, openRun: nil)
        return LiveSession(
            summary, settings: services.settings(), loaded: LiveSession.Loaded(state: SessionState(id: id)))
    }

    /// The outcome of a run that is going on here, awaited; nil when there is none.
    private func runningOutcome(of run: RunID) async -> RunHandle.Outcome? {
        guard let handle = open.withLock({ $0.runs[run]?.handle }) else { return nil }
        return await handle.outcome
    }

    /// Runs an order as the one run of its session and waits for its end; cancellation interrupts it.
    private func perform(
        _ order: RunLoop.Order, in session: LiveSession
    ) async throws(SessionError) -> RunHandle.Outcome {
        let handle = try occupy(session, for: order.run)
        handle.start { [services] in
            let outcome = await RunLoop.run(order, in: session, as: handle, with: services)
            await self.finish(handle, in: session)
            return outcome
        }
        return await withTaskCancellationHandler {
            await handle.outcome
        } onCancel: {
            handle.cancel()
        }
    }

    /// Makes a new run the one that is going on in a session.
    ///
    /// - Throws: ``SessionError/Cause/busy(elsewhere:)`` while another one is.
    func occupy(_ session: LiveSession, for run: RunID) throws(SessionError) -> RunHandle {
        let handle = RunHandle(id: run, at: services.clock.uptime)
        let refusal: SessionError? = open.withLock { open in
            if open.isClosing { return SessionError(.closing, run: run) }
            if session.begin(handle) != nil {
                return SessionError(.busy(elsewhere: false), session: session.id, run: run)
            }
            open.runs[run] = (session, handle)
            return nil
        }
        if let refusal { throw refusal }
        return handle
    }

    func finish(_ handle: RunHandle, in session: LiveSession) async {
        session.end(handle, at: services.clock.uptime)
        let isFull = open.withLock { open -> Bool in
            open.runs[handle.id] = nil
            open.loadedBytes += session.memoryChange()
            return open.loadedBytes > session.settings.maxLoadedBytes
        }
        if isFull { unloadLeastRecentlyUsed() }
        await session.deliverInbox(with: services)
        // Put away meanwhile: its jobs end with its last turn.
        if session.summary.isArchived { await session.closeTools() }
    }

    /// Replaces the refusal of a run id that was used before by what that run came to.
    private func answer(_ outcome: RunHandle.Outcome, for run: RunID) async throws(SessionError) -> RunResult {
        guard case .failure(let error) = outcome, error.cause == .store(.duplicateRun) else { return try outcome.get() }
        return try await recordedResult(of: run)
    }

    /// What a known run has come to, awaited when it is going on here.
    private func recordedResult(of run: RunID) async throws(SessionError) -> RunResult {
        if let outcome = await runningOutcome(of: run) { return try await answer(outcome, for: run) }
        let outcome: RunHandle.Outcome
        do throws(StoreError) { outcome = try recordedOutcome(of: run) } catch {
            throw SessionError(.store(error), run: run)
        }
        return try outcome.get()
    }

    private func recordedOutcome(of run: RunID) throws(StoreError) -> RunHandle.Outcome {
        guard let id = try services.store.session(ofRun: run) else { throw .notFound }
        var last = 0
        while true {
            let page = try services.store.entries(of: id, after: last, limit: 1000)
            for case .entry(let entry) in page where entry.run == run {
                if case .runFinished(let outcome) = entry.kind { return outcome.result(of: run, in: id) }
            }
            guard page.count == 1000, let seq = page.last?.seq else { break }
            last = seq
        }
        let isElsewhere = try services.store.session(id)?.owner == .otherProcess
        return .failure(SessionError(isElsewhere ? .busy(elsewhere: true) : .interrupted, session: id, run: run))
    }

    public func interrupt(_ id: SessionID, run: RunID?) async throws(SessionError) -> Interruption {
        guard let handle = open.withLock({ $0.sessions[id] })?.run else {
            let stored = try stored(id)
            let isElsewhere = stored.owner == .otherProcess && stored.summary.openRun != nil
            let isOpen = open.withLock { $0.sessions[id] != nil }
            return isElsewhere || isOpen && run != nil ? .otherRun : .idle
        }
        guard run == nil || handle.id == run else { return .otherRun }
        handle.cancel()
        guard await handle.hasEnded(within: .seconds(5), clock: services.clock) else { return .ending(handle.id) }
        guard case .failure(let error) = await handle.outcome, case .cancelled(let survivors) = error.cause else {
            return .ended(handle.id, survivors: [])
        }
        return .ended(handle.id, survivors: survivors)
    }

    // MARK: Open sessions

    /// Opens a session, unless it is open already; returns the open one.
    func register(_ session: LiveSession) throws(SessionError) -> LiveSession {
        let limit = session.settings.maxOpenSessions
        let registered = open.withLock { open -> LiveSession? in
            if let other = open.sessions[session.id] { return other }
            guard open.sessions.count < limit else { return nil }
            open.sessions[session.id] = session
            open.order.append(session.id)
            return session
        }
        guard let registered else { throw SessionError(.tooManySessions(limit: limit)) }
        return registered
    }

    func forget(_ session: LiveSession) {
        open.withLock { $0.remove(session) }
    }

    /// The open session, or the stored one opened.
    func session(toRun id: SessionID) throws(SessionError) -> LiveSession {
        if let session = open.withLock({ $0.sessions[id] }) { return session }
        return try register(LiveSession(try stored(id).summary, settings: services.settings()))
    }

    /// A stored session that is not archived.
    func stored(_ id: SessionID) throws(SessionError) -> StoredSession {
        let found: StoredSession?
        do throws(StoreError) {
            found = try services.store.session(id)
        } catch {
            throw SessionError(.store(error), session: id)
        }
        guard let found, !found.summary.isArchived else { throw SessionError(.notFound, session: id) }
        return found
    }

    /// Unloads idle sessions until three quarters of the allowed memory are in use.
    private func unloadLeastRecentlyUsed() {
        let goal = services.settings().maxLoadedBytes / 4 * 3
        let sessions = open.withLock { Array($0.sessions.values) }
        let idle = sessions.compactMap { session in session.idleSince.map { (session, $0) } }
        for (session, _) in idle.sorted(by: { $0.1 < $1.1 }) {
            session.unloadIfIdle()
            let isEnough = open.withLock { open in
                open.loadedBytes += session.memoryChange()
                return open.loadedBytes <= goal
            }
            if isEnough { return }
        }
    }

    // MARK: Questions

    public func openSessions() -> [SessionSnapshot] {
        open.withLock { open in open.order.compactMap { open.sessions[$0] } }.map(Self.snapshot)
    }

    private static func snapshot(_ session: LiveSession) -> SessionSnapshot {
        let summary = session.summary
        let state: SessionSnapshot.State = session.run != nil ? .running : summary.openRun != nil ? .interrupted : .idle
        return SessionSnapshot(summary: summary, state: state, isOpen: true)
    }

    public func storedSessions(after cursor: SessionCursor?, limit: Int) throws(SessionError) -> [SessionSnapshot] {
        do throws(StoreError) {
            return try services.store.list(after: cursor, limit: limit).map(snapshot)
        } catch {
            throw SessionError(.store(error))
        }
    }

    /// A session by its row; while it runs here, by what is known here.
    func snapshot(_ stored: StoredSession) -> SessionSnapshot {
        let open = open.withLock { $0.sessions[stored.summary.id] }
        if let open, open.run != nil { return Self.snapshot(open) }
        let state: SessionSnapshot.State =
            stored.summary.openRun == nil ? .idle : stored.owner == .otherProcess ? .running : .interrupted
        return SessionSnapshot(summary: stored.summary, state: state, isOpen: open != nil)
    }

    public func session(_ id: SessionID) throws(SessionError) -> SessionSnapshot {
        // Another process may have gone on with a session that is idle here.
        if let session = open.withLock({ $0.sessions[id] }), session.run != nil { return Self.snapshot(session) }
        return snapshot(try stored(id))
    }

    public func archive(_ id: SessionID) async throws(SessionError) {
        let session = try session(toRun: id)
        do throws(StoreError) {
            try await session.append([.archived], run: nil, ownership: .ignore, with: services)
        } catch {
            throw SessionError(.store(error), session: id)
        }
        forget(session)
        if session.run == nil { await session.closeTools() }
    }

    public func delete(_ id: SessionID) async throws(SessionError) {
        let session = open.withLock { $0.sessions[id] }
        if let session {
            _ = try await interrupt(id, run: nil)
            await session.closeTools()
        }
        do throws(StoreError) {
            guard try services.store.session(id) != nil else { throw .notFound }
            try await services.store.delete(id)
        } catch {
            throw SessionError(error == .notFound ? .notFound : .store(error), session: id)
        }
        if let session { forget(session) }
        services.removeFiles(id)
    }

    // MARK: End

    public func close(grace: Duration) async {
        let handles = open.withLock { open in
            open.isClosing = true
            return open.runs.values.map(\.handle)
        }
        if grace > .zero {
            let isOver = AsyncLatch<Void>()
            let timer = services.clock.schedule(after: grace) { isOver.open(()) }
            let runs = Task(executorPreference: RuntimeExecutor.preferred) {
                for handle in handles { _ = await handle.outcome }
                isOver.open(())
            }
            await isOver.value
            timer.cancel()
            runs.cancel()
        }
        for handle in handles { handle.cancel() }
        for handle in handles { _ = await handle.outcome }
        await withTaskGroup(of: Void.self) { group in
            for session in open.withLock({ Array($0.sessions.values) }) where session.hasTools {
                group.addTask { await session.closeTools() }
            }
        }
        await services.store.close()
    }
}

extension RunOutcome {
    /// The outcome as it was answered.
    func result(of run: RunID, in session: SessionID) -> Result<RunResult, SessionError> {
        switch self {
        case .completed(let result): .success(result)
        case .failed(let failure): .failure(SessionError(.recorded(failure), session: session, run: run))
        case .cancelled(reason: "interrupted"): .failure(SessionError(.interrupted, session: session, run: run))
        case .cancelled: .failure(SessionError(.cancelled(survivors: []), session: session, run: run))
        }
    }
}
