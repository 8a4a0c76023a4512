public import MeerkatCore

extension SessionDirectory {
    public func history(of id: SessionID, after cursor: Int, limit: Int) throws(SessionError) -> HistoryPage {
        let isInterrupted = try session(id).state == .interrupted
        do throws(StoreError) {
            var page = try page(of: id, after: cursor, limit: limit)
            // Deleted while it was read.
            if page.nextCursor == nil, try services.store.session(id) == nil { throw StoreError.notFound }
            if isInterrupted, page.nextCursor == nil { page.messages += try closingResults(of: id) }
            return page
        } catch {
            throw SessionError(.store(error), session: id)
        }
    }

    public func modelCalls(of id: SessionID) throws(SessionError) -> [ModelCallRecord] {
        _ = try session(id)
        do throws(StoreError) {
            var recorder = ModelCallRecorder()
            var records: [ModelCallRecord] = []
            for case .entry(let entry) in try services.store.allEntries(of: id) {
                if let record = recorder.take(entry.kind)?.record { records.append(record) }
            }
            return records
        } catch {
            throw SessionError(.store(error), session: id)
        }
    }

    public func models(of provider: String?) async throws(SessionError) -> [ListedModel] {
        try await services.models(provider)
    }

    private func page(of id: SessionID, after cursor: Int, limit: Int) throws(StoreError) -> HistoryPage {
        var messages: [HistoryMessage] = []
        var last = cursor
        while true {
            let entries = try services.store.entries(of: id, after: last, limit: limit)
            for stored in entries {
                // What a newer rkat wrote cannot be shown; the session is read-only here, not unreadable.
                guard case .entry(let entry) = stored, let message = HistoryMessage(entry) else { continue }
                guard messages.count < limit else { return HistoryPage(messages: messages, nextCursor: last) }
                messages.append(message)
                last = entry.seq
            }
            guard let end = entries.last?.seq, entries.count == limit else { break }
            last = max(last, end)
        }
        return HistoryPage(messages: messages, nextCursor: nil)
    }

    /// The results that calls of an interrupted run will get; computed, nothing is written.
    private func closingResults(of id: SessionID) throws(StoreError) -> [HistoryMessage] {
        let state = try SessionState(id: id, from: services.store)
        return state.unansweredCalls.map { call in
            HistoryMessage(
                seq: nil, at: nil, run: state.openRun?.id,
                content: .toolResult(.closing(call.toolUse, wasStarted: call.isStarted)))
        }
    }
}

extension HistoryMessage {
    /// The message that an entry added to the conversation; nil when it added none.
    init?(_ entry: Entry) {
        let content: Content
        switch entry.kind {
        case .runStarted(let prompt, _): content = .user(prompt)
        case .messageAdded(let origin, let blocks): content = .user(blocks, origin: origin)
        case .modelAnswered(_, let blocks, let stopReason, _, _): content = .answer(blocks, stopReason: stopReason)
        case .toolFinished(let result): content = .toolResult(result)
        default: return nil
        }
        self.init(seq: entry.seq, at: entry.at, run: entry.run, content: content)
    }
}
