public import MeerkatCore

extension SessionDirectory {
    public func prepareSession(_ options: SessionOptions, run: RunID?) async throws(SessionError) -> SessionSnapshot {
        if let run, let known = try knownSession(of: run) { return known }
        let resolved = try await services.resolve(options)
        let session = newSession()
        let target = try await services.model(resolved)
        _ = try services.answerCheck(for: resolved, target)
        try services.checkPrice(of: target, for: resolved, totals: SessionTotals())
        return try await store(session, [.sessionCreated(resolved, origin: nil)], run: run)
    }

    public func fork(
        _ id: SessionID, at seq: Int?, run: RunID?
    ) async throws(SessionError) -> SessionSnapshot {
        if let run, let known = try knownSession(of: run) { return known }
        let original = try stored(id)
        var entries: [Entry.Kind] = []
        var runs: [RunID?] = []
        var state = SessionState(id: id)
        var isMessage = false
        do throws(StoreError) {
            let all = try await services.reading { (store) throws(StoreError) in try store.allEntries(of: id) }
            // Deleted while it was read.
            guard all.count >= original.nextSeq - 1, !all.isEmpty else { throw StoreError.notFound }
            for stored in all where seq.map({ stored.seq <= $0 }) ?? true {
                guard case .entry(let entry) = stored else {
                    if case .unreadable(let entry) = stored { throw .unreadable(entry) }
                    continue
                }
                guard entry.kind != .archived else { throw StoreError.notFound }
                state.apply(entry)
                isMessage = HistoryMessage(entry) != nil
                entries.append(entry.kind.asForked)
                runs.append(entry.run)
            }
        } catch {
            throw SessionError(.store(error), session: id)
        }
        if let seq, seq != state.lastSeq || !isMessage {
            throw SessionError(
                .invalidOption(field: "seq", message: "no message of session/history has this seq"), session: id)
        }
        entries[0] = .sessionCreated(state.options, origin: .forked(id, seq: state.lastSeq))
        if let open = state.openRun {
            // What is copied of a run that goes on in the original has ended here.
            for call in state.unansweredCalls {
                entries.append(.toolFinished(.closing(call.toolUse, wasStarted: call.isStarted)))
                runs.append(open.id)
            }
            entries.append(.runFinished(.cancelled(reason: "forked")))
            runs.append(open.id)
        }
        return try await store(newSession(), zip(entries, runs).map { ($0, $1) }, run: run)
    }

    /// Stores a session that no run begins with, and opens it.
    private func store(
        _ session: LiveSession, _ entries: [Entry.Kind], run: RunID?
    ) async throws(SessionError) -> SessionSnapshot {
        try await store(session, entries.map { ($0, nil) }, run: run)
    }

    private func store(
        _ session: LiveSession, _ entries: [(kind: Entry.Kind, run: RunID?)], run: RunID?
    ) async throws(SessionError) -> SessionSnapshot {
        _ = try register(session)
        do throws(StoreError) {
            try await session.append(entries, .borrow, newRun: run, with: services)
        } catch {
            forget(session)
            if error == .duplicateRun, let run, let known = try knownSession(of: run) { return known }
            throw SessionError(.store(error), run: run)
        }
        return SessionSnapshot(summary: session.summary, state: .idle, isOpen: true)
    }

    /// The session that was made with a run id before.
    private func knownSession(of run: RunID) throws(SessionError) -> SessionSnapshot? {
        do throws(StoreError) {
            guard let id = try services.store.session(ofRun: run), let stored = try services.store.session(id) else {
                return nil
            }
            return snapshot(stored)
        } catch {
            throw SessionError(.store(error), run: run)
        }
    }
}

extension Entry.Kind {
    /// The entry as a fork has it, which has used no tokens and started no processes of its own.
    fileprivate var asForked: Entry.Kind {
        switch self {
        case .modelCalled(var call):
            {
                call.bound = .zero
                return .modelCalled(call)
            }()
        case .modelAnswered(let call, let blocks, let stopReason, _, _):
            .modelAnswered(call: call, blocks: blocks, stopReason: stopReason, usage: nil, spent: .zero)
        case .modelFailed(let call, let attempt, let cause, _, _):
            .modelFailed(call: call, attempt: attempt, cause: cause, usage: nil, spent: .zero)
        case .compacted(var compaction):
            {
                compaction.usage = nil
                compaction.spent = .zero
                compaction.totals?.usage = Usage()
                compaction.totals?.spending = .zero
                compaction.totals?.processes = []
                return .compacted(compaction)
            }()
        case .processStarted(let toolUseID, _):
            // The processes work for the original. The entry stays, because others are named by their numbers.
            .processStarted(toolUseID: toolUseID, ToolProcess(pid: 0, startTime: 0, boot: ""))
        default: self
        }
    }
}

extension SessionStore {
    func allEntries(of id: SessionID) throws(StoreError) -> [Entry.Stored] {
        var all: [Entry.Stored] = []
        while true {
            let page = try entries(of: id, after: all.last?.seq ?? 0, limit: 1000)
            all += page
            guard page.count == 1000 else { return all }
        }
    }
}
