public import MeerkatCore
internal import Synchronization

extension SessionDirectory {
    // MARK: Starting

    public func createSession(
        _ options: SessionOptions, prompt: [Block], run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        // A known id is found out by the append that begins the run, which saves looking it up before.
        let started = try start(run, mayBeRecorded: false) { handle in
            { [services] in
                do throws(SessionError) {
                    let resolved = try await services.resolve(options)
                    let order = RunLoop.Order(run: handle.id, kind: .create(resolved, prompt: prompt), events: events)
                    let session = try self.register(self.newSession())
                    try self.occupy(session, by: handle)
                    let outcome = await self.carryOut(order, in: session, as: handle)
                    if case .failure(let error) = outcome, error.session == nil { self.forget(session) }
                    return outcome
                } catch {
                    let isRecorded = run != nil && services.isKnown(handle.id)
                    return .failure(SessionError(isRecorded ? .store(.duplicateRun) : error.cause, run: handle.id))
                }
            }
        }
        return try await result(of: started)
    }

    public func startTurn(
        in id: SessionID, prompt: [Block], overrides: SessionOptions, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        let started = try start(run, in: id, mayBeRecorded: true) { (handle) throws(SessionError) in
            let session = try self.session(toRun: id)
            try self.occupy(session, by: handle)
            return { [services] in
                let resolved: SessionOptions
                do throws(SessionError) { resolved = try await services.resolveOverrides(overrides) } catch {
                    await self.finish(handle, in: session)
                    return .failure(SessionError(error.cause, session: id, run: handle.id))
                }
                let order = RunLoop.Order(
                    run: handle.id, kind: .turn(prompt: prompt, overrides: resolved), events: events)
                return await self.carryOut(order, in: session, as: handle)
            }
        }
        return try await result(of: started)
    }

    public func resumeTurn(
        in id: SessionID, run: RunID?, events: any EventSink
    ) async throws(SessionError) -> RunResult {
        if let run, let other = handle(of: run) {
            return try await result(of: Started(handle: other, isForeign: true))
        }
        let stored = try stored(id)
        // A run that has ended since it was asked about is answered by its record, whatever is going on now.
        if let run, run != stored.summary.openRun, services.isKnown(run) { return try await recordedResult(of: run) }
        guard openSession(id)?.run == nil else { throw SessionError(.busy, session: id, run: run) }
        guard let open = stored.summary.openRun, run == nil || run == open else {
            throw SessionError(.notInterrupted, session: id, run: run)
        }
        let started = try start(open, in: id, mayBeRecorded: false) { (handle) throws(SessionError) in
            let session = try self.session(toRun: id)
            try self.occupy(session, by: handle)
            let order = RunLoop.Order(run: open, kind: .resume, events: events)
            return { await self.carryOut(order, in: session, as: handle) }
        }
        return try await result(of: started)
    }

    public func compact(
        _ id: SessionID, events: any EventSink
    ) async throws(SessionError) -> CompactionCompleted? {
        let summary = AsyncLatch<CompactionCompleted?>()
        let started = try start(nil, in: id, mayBeRecorded: true) { (handle) throws(SessionError) in
            let session = try self.session(toRun: id)
            try self.occupy(session, by: handle)
            let order = RunLoop.Order(run: handle.id, kind: .summary, events: events)
            return { [services] in
                let result: Result<CompactionCompleted?, SessionError>
                do throws(SessionError) {
                    result = .success(try await RunLoop.summarize(order, in: session, as: handle, with: services))
                } catch {
                    result = .failure(error)
                }
                await self.finish(handle, in: session)
                switch result {
                case .success(let completed):
                    summary.open(completed)
                    return nil
                case .failure(let error): return .failure(error)
                }
            }
        }
        if case .failure(let error) = await outcome(of: started) { throw error }
        return await summary.value
    }

    func newRunID() -> RunID { RunID(services.ids.uniqueID(at: services.clock.now)) }

    /// What is done in the task of a run; no outcome when it is not a run.
    private typealias Work = @Sendable () async -> RunHandle.Outcome?

    private struct Started {
        var handle: RunHandle
        /// Somebody else has asked for the same run before, and owns it.
        var isForeign: Bool
    }

    /// Reserves the id of a run and begins the run.
    ///
    /// The id is reserved before anything is waited for: whoever asks for the same run meanwhile is given the same
    /// outcome, and a shutdown finds the run.
    ///
    /// `chosen` is an id that the caller has chosen; one that may be recorded and is, is answered by its record. `begin`
    /// makes the run visible and returns what its task does.
    private func start(
        _ chosen: RunID?, in id: SessionID? = nil, mayBeRecorded: Bool,
        _ begin: (RunHandle) throws(SessionError) -> Work
    ) throws(SessionError) -> Started {
        let handle = RunHandle(id: chosen ?? newRunID(), at: services.clock.uptime)
        if let other = try reserve(handle) { return Started(handle: other, isForeign: true) }
        do throws(SessionError) {
            // Asking again must not make the session busy for others, not even for a moment.
            if mayBeRecorded, chosen != nil, services.isKnown(handle.id) {
                throw SessionError(.store(.duplicateRun), session: id, run: handle.id)
            }
            let work = try begin(handle)
            handle.start(on: services.taskExecutor) { [self] in
                let outcome = await work()
                withdraw(handle)
                return outcome
            } afterwards: { [self] in
                if let session = handle.session { await settle(session) }
            }
        } catch {
            handle.finish(without: .failure(SessionError(error.cause, session: error.session ?? id, run: handle.id)))
            withdraw(handle)
        }
        return Started(handle: handle, isForeign: false)
    }

    /// Waits for the outcome of a run; cancellation interrupts it, unless somebody else owns it.
    private func outcome(of started: Started) async -> RunHandle.Outcome? {
        guard !started.isForeign else { return await started.handle.outcome }
        return await withTaskCancellationHandler {
            await started.handle.outcome
        } onCancel: {
            started.handle.cancel()
        }
    }

    /// The result of a run; for an id that was used before, what that run came to.
    private func result(of started: Started) async throws(SessionError) -> RunResult {
        let run = started.handle.id
        guard let outcome = await outcome(of: started) else { throw SessionError(.notFound, run: run) }
        guard case .failure(let error) = outcome, error.cause == .store(.duplicateRun) else { return try outcome.get() }
        return try await recordedResult(of: run)
    }

    private func handle(of run: RunID) -> RunHandle? { open.withLock { $0.runs[run] } }

    /// Makes a handle the one for its id, unless there is one already, which is returned.
    private func reserve(_ handle: RunHandle) throws(SessionError) -> RunHandle? {
        try open.withLock { (open) throws(SessionError) in
            if let other = open.runs[handle.id] { return other }
            guard !open.isClosing else { throw SessionError(.closing, run: handle.id) }
            open.runs[handle.id] = handle
            return nil
        }
    }

    private func withdraw(_ handle: RunHandle) {
        open.withLock { open in
            if open.runs[handle.id] === handle { open.runs[handle.id] = nil }
        }
    }

    /// Makes a run the one that is going on in a session.
    ///
    /// - Throws: ``SessionError/Cause/busy`` while another one is.
    private func occupy(_ session: LiveSession, by handle: RunHandle) throws(SessionError) {
        guard session.begin(handle) == nil else { throw SessionError(.busy, session: session.id, run: handle.id) }
        handle.occupied(session)
    }

    private func carryOut(
        _ order: RunLoop.Order, in session: LiveSession, as handle: RunHandle
    ) async -> RunHandle.Outcome {
        let outcome = await RunLoop.run(order, in: session, as: handle, with: services)
        await finish(handle, in: session)
        if case .failure(let error) = outcome, error.cause == .notFound {
            // Another process has archived or deleted it: nobody can ask for its jobs any more.
            forget(session)
            await session.closeTools()
        }
        return outcome
    }

    private func finish(_ handle: RunHandle, in session: LiveSession) async {
        session.end(handle, at: services.clock.uptime)
        let isFull = open.withLock { open -> Bool in
            if open.leaving[session.id] === session { open.leaving[session.id] = nil }
            open.loadedBytes += session.memoryChange()
            return open.loadedBytes > session.settings.maxLoadedBytes
        }
        if isFull { unloadLeastRecentlyUsed() }
    }

    /// Does what a run has left to do for its session.
    private func settle(_ session: LiveSession) async {
        await session.settle(with: services)
        // Put away meanwhile: its jobs end with its last turn.
        if session.summary.isArchived { await session.closeTools() }
    }

    // MARK: Asking again

    /// What a known run has come to.
    private func recordedResult(of run: RunID) async throws(SessionError) -> RunResult {
        let outcome: RunHandle.Outcome
        do throws(StoreError) {
            outcome = try await services.reading { (store) throws(StoreError) in
                try Self.recordedOutcome(of: run, in: store)
            }
        } catch {
            throw SessionError(.store(error), run: run)
        }
        return try outcome.get()
    }

    private static func recordedOutcome(
        of run: RunID, in store: any SessionStore
    ) throws(StoreError) -> RunHandle.Outcome {
        guard let id = try store.session(ofRun: run) else { throw .notFound }
        // Who owns the session is looked up first: a run that ends meanwhile has its end in the entries then.
        let stored = try store.session(id)
        var last = 0
        var hasBegun = false
        while true {
            let page = try store.entries(of: id, after: last, limit: 1000)
            for case .entry(let entry) in page where entry.run == run {
                hasBegun = true
                if case .runFinished(let outcome) = entry.kind { return outcome.result(of: run, in: id) }
            }
            guard page.count == 1000, let seq = page.last?.seq else { break }
            last = seq
        }
        // An id that made a session without a run, or a fork, is not that of a run.
        guard hasBegun else { throw .duplicateRun }
        let cause: SessionError.Cause =
            switch stored?.owner {
            case .otherProcess: .store(.ownedElsewhere)
            case .unknown: .store(.ownerUnknown("its lock file cannot be examined"))
            case nil, .nobody, .dead, .thisProcess: .interrupted
            }
        return .failure(SessionError(cause, session: id, run: run))
    }

    // MARK: Interrupting

    public func interrupt(_ id: SessionID, run: RunID?) async throws(SessionError) -> Interruption {
        guard let session = openSession(id) ?? open.withLock({ $0.leaving[id] }), let handle = session.run else {
            let stored = try stored(id)
            let mayRunElsewhere = stored.owner == .otherProcess || stored.owner == .unknown
            let isOpen = openSession(id) != nil
            return mayRunElsewhere && stored.summary.openRun != nil || isOpen && run != nil ? .otherRun : .idle
        }
        guard run == nil || handle.id == run else { return .otherRun }
        return await interrupt(handle)
    }

    func interrupt(_ handle: RunHandle) async -> Interruption {
        handle.cancel()
        guard await handle.hasEnded(within: .seconds(5), clock: services.clock) else { return .ending(handle.id) }
        guard case .failure(let error) = await handle.outcome, case .cancelled(let survivors) = error.cause else {
            return .ended(handle.id, survivors: [])
        }
        return .ended(handle.id, survivors: survivors)
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
