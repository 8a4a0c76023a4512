internal import MeerkatCore

extension RunLoop {
    /// Ends the run with a result.
    mutating func complete(_ ending: Ending) async throws(SessionError) -> RunResult {
        warn()
        let totals = totals
        var result = RunResult(
            session: session.id, run: run, text: text ?? "", turns: calls, toolCalls: toolCalls, usage: totals.usage,
            stopReason: ending.stopReason, provider: target.provider.name, model: target.model,
            endpoint: target.provider.endpoint)
        result.cost = totals.spending.cost
        result.modelCalls = totals.openRun?.modelCalls ?? []
        result.structuredOutput = ending.structuredOutput
        result.schemaWarnings = answerCheck?.warnings ?? []
        takeMessages()
        pending.append(.runFinished(.completed(result)))
        try await commit(.end)
        announcements.append(
            .runCompleted(
                RunCompleted(
                    sessionID: session.id, result: result.text, usage: result.usage, cost: result.cost)))
        end()
        return result
    }

    /// Ends the run with an error and returns it as it was recorded.
    ///
    /// An end that cannot be stored is not announced, because the session's next turn or `turn/resume` decides how the
    /// run ends; the error says that the store has failed.
    mutating func fail(_ error: SessionError) async -> SessionError {
        if case .limitReached = error.cause { warn() }
        // Whoever has waited for a lock in vain does not wait once more.
        if error.cause == .store(.busy) { return failure(.endNotStored(.busy)) }
        do throws(StoreError) {
            // A failed append has thrown the history away.
            if !session.isLoaded { try await session.load(with: services) }
            pending += closing(error)
            try await session.append(pending, run: run, .end, messages: takenMessages, with: services)
        } catch let problem {
            services.log(.error, "run \(run): its end could not be stored: \(problem.message)")
            // Another process has taken the session over, and the run with it.
            return error.cause == .store(.conflict) ? error : failure(.endNotStored(problem))
        }
        announcements.append(
            .runFailed(RunFailed(sessionID: session.id, error: error.failure.message)))
        end()
        return error
    }

    private func closing(_ error: SessionError) -> [Entry.Kind] {
        var answered: Set<String> = []
        for case .toolFinished(let result) in pending { answered.insert(result.toolUseID) }
        let open = session.withLoaded { $0.state.unansweredCalls } ?? []
        var entries = open.filter { !answered.contains($0.toolUse.id) }.map { call in
            Entry.Kind.toolFinished(.closing(call.toolUse, wasStarted: call.isStarted))
        }
        if case .cancelled = error.cause {
            entries.append(.runFinished(.cancelled(reason: "cancelled")))
        } else {
            entries.append(.runFinished(.failed(error.failure)))
        }
        return entries
    }

    /// What the session has used, with what waits for the next commit.
    var totals: SessionTotals {
        var totals = session.withLoaded { $0.state.totals } ?? SessionTotals()
        for entry in pending { totals.account(entry) }
        return totals
    }

    /// Sends the terminal event; it has a reserved place and waits for no reader.
    private mutating func end() {
        _ = order.events.offer(announcements, of: identity)
        announcements = EventBatch()
    }
}
