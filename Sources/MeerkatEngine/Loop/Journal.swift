internal import MeerkatCore

extension RunLoop {
    /// Makes what is pending durable and then announces it.
    mutating func commit(ownership: SessionAppend.Ownership? = nil) async throws(SessionError) {
        guard !pending.isEmpty else { return }
        let entries = pending
        pending = []
        do throws(StoreError) {
            try await session.append(
                entries, run: order.isRun ? run : nil, ownership: ownership ?? (hasBegun ? .keep : .take),
                with: services)
            hasBegun = true
        } catch {
            announcements = EventBatch()
            throw failure(.store(error))
        }
    }

    /// Sends what was announced and waits until there is room for more.
    mutating func emitAnnouncements() async {
        guard !announcements.isEmpty else { return }
        let batch = announcements
        announcements = EventBatch()
        await order.events.emit(batch, of: identity)
    }
}

extension LiveSession {
    /// Appends entries to the loaded session.
    ///
    /// What is shown advances only after the append succeeded; after a failed one the history is forgotten and read
    /// anew by the next use.
    func append(
        _ kinds: [Entry.Kind], run: RunID?, ownership: SessionAppend.Ownership, newRun: RunID? = nil,
        with services: EngineServices
    ) async throws(StoreError) {
        let entries = kinds.map { (kind: $0, run: run) }
        try await append(entries, ownership: ownership, newRun: newRun, with: services)
    }

    func append(
        _ kinds: [(kind: Entry.Kind, run: RunID?)], ownership: SessionAppend.Ownership, newRun: RunID?,
        with services: EngineServices
    ) async throws(StoreError) {
        guard !kinds.isEmpty else { return }
        try await appendOrder.withLock { () async throws(StoreError) in
            try await appendInOrder(kinds, ownership: ownership, newRun: newRun, with: services)
        }
    }

    /// Appends while ``appendOrder`` is held.
    func appendInOrder(
        _ kinds: [(kind: Entry.Kind, run: RunID?)], ownership: SessionAppend.Ownership, newRun: RunID?,
        with services: EngineServices
    ) async throws(StoreError) {
        if !isLoaded { try load(from: services.store) }
        let now = services.clock.now
        let prepared = withLoaded { loaded in
            var entries: [Entry] = []
            for (kind, run) in kinds {
                let entry = Entry(seq: loaded.state.lastSeq + 1, at: now, run: run, kind: kind)
                loaded.state.apply(entry)
                entries.append(entry)
            }
            return (entries, SessionSummary(loaded.state))
        }
        guard let (entries, summary) = prepared else { throw .failed("the session is not loaded") }
        do throws(StoreError) {
            try await services.store.append(
                SessionAppend(session: id, entries: entries, summary: summary, ownership: ownership, newRun: newRun))
        } catch {
            unload()
            throw error
        }
        publish(summary)
    }
}
