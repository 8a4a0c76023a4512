internal import MeerkatCore
internal import Synchronization

extension LiveSession {
    /// What an append does with the claim on the session.
    enum Hold: Sendable {
        /// The first of a run: takes the claim, unless it was taken before, and keeps it.
        case begin
        /// Needs the claim and keeps it.
        case keep
        /// Needs the claim and gives it up.
        case end
        /// No part of a run: uses the claim when this process has it, and else takes one for the append alone.
        case borrow
    }

    typealias Addition = (kind: Entry.Kind, run: RunID?)

    /// Most times that work is repeated because another process has changed the session meanwhile.
    private static let attempts = 16

    // MARK: Working on what is current

    /// Works on the session as the store has it: what is loaded is compared, and read again when it is old.
    ///
    /// `body` runs again when another process changes the session before `body` has claimed it. It must not have
    /// effects before its first append or ``claim(with:)``.
    ///
    /// - Throws: ``SessionError/Cause/notFound`` for an archived session, ``StoreError/ownedElsewhere`` or
    ///   ``StoreError/ownerUnknown(_:)`` at once for one that another process runs, and what `body` throws.
    func withCurrent<T>(
        with services: EngineServices, _ body: () async throws(SessionError) -> T
    ) async throws(SessionError) -> T {
        var attempt = 1
        while true {
            do throws(StoreError) {
                try await appendOrder.whileInside { () throws(StoreError) in try refresh(with: services) }
            } catch {
                throw SessionError(.store(error), session: id)
            }
            do throws(SessionError) { return try await body() } catch {
                guard error.cause == .store(.conflict), claim == nil, attempt < Self.attempts else { throw error }
                guard !Task.isCancelled else { throw SessionError(.cancelled(survivors: []), session: id) }
                attempt += 1
            }
        }
    }

    /// Adds to the session what `make` wants to add to its present state; nothing when that is empty.
    ///
    /// `make` may run several times, first for a state that another process has left behind.
    func change(
        with services: EngineServices, _ make: @Sendable (LiveSession) -> [Entry.Kind]
    ) async throws(StoreError) {
        try await appendOrder.whileInside { () async throws(StoreError) in
            try await changeInOrder(with: services, make)
        }
    }

    /// ``change(with:_:)`` while ``appendOrder`` is held.
    func changeInOrder(
        with services: EngineServices, _ make: (LiveSession) -> [Entry.Kind]
    ) async throws(StoreError) {
        for attempt in 1... {
            // An append to an old state is refused, so the first one needs no comparison before it.
            var kinds = attempt == 1 && isLoaded ? make(self) : []
            if kinds.isEmpty {
                try refresh(with: services)
                kinds = make(self)
            }
            guard !kinds.isEmpty else { return }
            do throws(StoreError) {
                return try await appendInOrder(kinds.map { ($0, nil) }, .borrow, newRun: nil, with: services)
            } catch {
                guard error == .conflict, attempt < Self.attempts else { throw error }
            }
        }
    }

    /// Forgets what is loaded when the store has something else; to be called while ``appendOrder`` is held.
    ///
    /// - Throws: ``StoreError/notFound`` for an archived session, ``StoreError/ownedElsewhere`` or
    ///   ``StoreError/ownerUnknown(_:)`` for one that another process runs.
    private func refresh(with services: EngineServices) throws(StoreError) {
        // What this process holds changes nowhere else.
        guard claim == nil else { return }
        guard let stored = try services.store.session(id) else { throw .notFound }
        let isCurrent = withLoaded { $0.state.lastSeq + 1 == stored.nextSeq } ?? false
        if !isCurrent {
            unload()
            publish(stored.summary)
        }
        switch stored.owner {
        case .nobody, .dead, .thisProcess: break
        case .otherProcess: throw .ownedElsewhere
        case .unknown: throw .ownerUnknown("its lock file cannot be examined")
        }
        guard !stored.summary.isArchived else { throw .notFound }
    }

    // MARK: Claims

    /// Takes the right to change the session, before an effect that comes before any entry.
    ///
    /// - Throws: ``StoreError/conflict`` when what is loaded is old.
    func claim(with services: EngineServices) async throws(StoreError) {
        try await appendOrder.whileInside { () async throws(StoreError) in
            guard claim == nil else { return }
            guard let last = withLoaded({ $0.state.lastSeq }) else { throw .conflict }
            let claim = try await services.store.claim(id, expecting: last + 1)
            live.withLock { $0.claim = claim }
        }
    }

    // MARK: Appending

    /// Appends entries to the session.
    ///
    /// What is shown advances only after the append succeeded; after a failed one the history is forgotten and read
    /// again by the next use.
    ///
    /// Of the additions, `messages` are from the inbox; they leave it once they are stored.
    func append(
        _ additions: [Addition], _ hold: Hold, newRun: RunID? = nil, messages: Int = 0, with services: EngineServices
    ) async throws(StoreError) {
        guard !additions.isEmpty else { return }
        try await appendOrder.whileInside { () async throws(StoreError) in
            try await appendInOrder(additions, hold, newRun: newRun, with: services)
        }
        if messages > 0 { live.withLock { $0.inbox.removeFirst(min(messages, $0.inbox.count)) } }
    }

    func append(
        _ kinds: [Entry.Kind], run: RunID?, _ hold: Hold, messages: Int = 0, with services: EngineServices
    ) async throws(StoreError) {
        try await append(kinds.map { ($0, run) }, hold, messages: messages, with: services)
    }

    /// Appends while ``appendOrder`` is held.
    private func appendInOrder(
        _ additions: [Addition], _ hold: Hold, newRun: RunID?, with services: EngineServices
    ) async throws(StoreError) {
        let ownership = try ownership(hold)
        if !isLoaded { try await load(with: services) }
        let now = services.clock.now
        let prepared = withLoaded { loaded in
            var entries: [Entry] = []
            for (kind, run) in additions {
                let entry = Entry(seq: loaded.state.lastSeq + 1, at: now, run: run, kind: kind)
                loaded.state.apply(entry)
                entries.append(entry)
            }
            return (entries, SessionSummary(loaded.state))
        }
        // Unloaded between the two steps, which happens only to a session without a run.
        guard let (entries, summary) = prepared else { throw .conflict }
        let claim: Claim?
        do throws(StoreError) {
            claim = try await services.store.append(
                SessionAppend(session: id, entries: entries, summary: summary, ownership: ownership, newRun: newRun))
        } catch {
            live.withLock { live in
                live.loaded = nil
                // Whoever has taken the session over continues with it.
                if error == .conflict || error == .notFound { live.claim = nil }
            }
            throw error
        }
        live.withLock { live in
            live.claim = claim
            live.summary = summary
        }
    }

    private func ownership(_ hold: Hold) throws(StoreError) -> SessionAppend.Ownership {
        let claim = claim
        switch hold {
        case .begin: return claim.map { .hold($0) } ?? .take
        case .borrow: return claim.map { .hold($0) } ?? .momentary
        case .keep:
            guard let claim else { throw .conflict }
            return .hold(claim)
        case .end:
            guard let claim else { throw .conflict }
            return .release(claim)
        }
    }
}
