public import MeerkatCore
internal import Synchronization

/// Owns the open sessions and their runs; the engine as surfaces see it.
public final class SessionDirectory: AgentRuntime {
    struct Open {
        var sessions: [SessionID: LiveSession] = [:]
        /// Session ids in the order in which they were opened.
        var order: [SessionID] = []
        /// Archived sessions whose last run is going on.
        var leaving: [SessionID: LiveSession] = [:]
        /// The runs that were asked for and have not ended; an entry is removed by the handle that it names only.
        var runs: [RunID: RunHandle] = [:]
        var isClosing = false
        /// Memory for histories, estimated.
        var loadedBytes = 0

        mutating func remove(_ session: LiveSession) {
            guard sessions[session.id] === session else { return }
            sessions[session.id] = nil
            order.removeAll { $0 == session.id }
            if session.run != nil { leaving[session.id] = session }
            session.unloadIfIdle()
            loadedBytes += session.memoryChange()
        }
    }

    let services: EngineServices
    let open = Mutex(Open())

    public init(_ services: EngineServices) {
        self.services = services
    }

    // MARK: Open sessions

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

    func openSession(_ id: SessionID) -> LiveSession? { open.withLock { $0.sessions[id] } }

    /// The open session, or the stored one opened.
    func session(toRun id: SessionID) throws(SessionError) -> LiveSession {
        if let session = openSession(id) { return session }
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
    func unloadLeastRecentlyUsed() {
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
        let sessions = open.withLock { open in open.order.compactMap { open.sessions[$0] } }
        return sessions.compactMap { session in
            guard session.run == nil else { return Self.snapshot(session) }
            do throws(StoreError) {
                // Another process may have changed, archived or deleted it.
                let stored = try services.store.session(session.id)
                return stored.flatMap { $0.summary.isArchived ? nil : snapshot($0) }
            } catch {
                return Self.snapshot(session)
            }
        }
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
        let open = openSession(stored.summary.id)
        if let open, open.run != nil { return Self.snapshot(open) }
        let state: SessionSnapshot.State =
            switch (stored.summary.openRun, stored.owner) {
            case (nil, _): .idle
            // A run whose process may live is not called interrupted.
            case (_, .otherProcess), (_, .unknown): .running
            case (_, .nobody), (_, .dead), (_, .thisProcess): .interrupted
            }
        return SessionSnapshot(summary: stored.summary, state: state, isOpen: open != nil)
    }

    public func session(_ id: SessionID) throws(SessionError) -> SessionSnapshot {
        // Another process may have gone on with a session that is idle here.
        if let session = openSession(id), session.run != nil { return Self.snapshot(session) }
        return snapshot(try stored(id))
    }

    // MARK: The end of sessions

    public func archive(_ id: SessionID) async throws(SessionError) {
        let session = try session(toRun: id)
        do throws(StoreError) {
            try await session.change(with: services) { _ in [.archived] }
        } catch {
            if error == .notFound { forget(session) }
            throw SessionError(.store(error), session: id)
        }
        forget(session)
        if session.run == nil { await session.closeTools() }
    }

    public func delete(_ id: SessionID) async throws(SessionError) {
        do throws(StoreError) {
            // Nothing is interrupted or ended for a session that is not this process's to delete.
            switch try services.store.session(id)?.owner {
            case nil: throw .notFound
            case .otherProcess: throw .ownedElsewhere
            case .unknown: throw .ownerUnknown("its lock file cannot be examined")
            case .nobody, .dead, .thisProcess: break
            }
        } catch {
            throw SessionError(.store(error), session: id)
        }
        let leaving = open.withLock { $0.leaving[id] }
        // An archived session is not opened; no run can begin in it.
        guard let session = try? leaving ?? session(toRun: id) else {
            try await remove(id)
            return services.removeFiles(id)
        }
        // No run begins while the session is deleted.
        let handle = RunHandle(id: newRunID(), at: services.clock.uptime)
        while let other = session.begin(handle) {
            if case .ending = await interrupt(other) { throw SessionError(.busy, session: id) }
        }
        let result: Result<Void, SessionError>
        do throws(SessionError) { result = .success(try await remove(id)) } catch { result = .failure(error) }
        session.end(handle, at: services.clock.uptime)
        if case .success = result {
            forget(session)
            await session.closeTools()
            services.removeFiles(id)
        }
        try result.get()
    }

    private func remove(_ id: SessionID) async throws(SessionError) {
        do throws(StoreError) {
            do throws(StoreError) { try await services.store.delete(id) } catch {
                guard error == .diskFull else { throw error }
                // What tools have kept for it may be what fills the disk.
                services.removeFiles(id)
                try await services.store.delete(id)
            }
        } catch {
            throw SessionError(.store(error), session: id)
        }
    }

    // MARK: End

    public func close(grace: Duration) async {
        let handles = open.withLock { open in
            open.isClosing = true
            return Array(open.runs.values)
        }
        if grace > .zero {
            let isOver = AsyncLatch<Void>()
            let timer = services.clock.schedule(after: grace) { isOver.open(()) }
            let runs = Task(executorPreference: services.taskExecutor) {
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
            for session in open.withLock({ Array($0.sessions.values) }) {
                group.addTask { [services] in
                    if session.hasTools { await session.closeTools() }
                    await session.settleFinally(with: services)
                }
            }
        }
        await services.store.close()
    }
}
