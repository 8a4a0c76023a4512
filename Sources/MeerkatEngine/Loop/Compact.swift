internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// Summarizes the conversation of a session in which no run is going on.
    ///
    /// - Returns: nil when there is nothing to summarize.
    static func summarize(
        _ order: Order, in session: LiveSession, as handle: RunHandle, with services: EngineServices
    ) async throws(SessionError) -> CompactionCompleted? {
        try await session.withCurrent(with: services) { () async throws(SessionError) in
            var loop = try await prepare(order, in: session, as: handle, with: services)
            let result: Result<CompactionCompleted?, SessionError>
            do throws(SessionError) { result = .success(try await loop.compact()) } catch { result = .failure(error) }
            // What a failed attempt has left gives the session up; a successful one has done so.
            if loop.hasBegun, !loop.pending.isEmpty { try await loop.commit(.end) }
            await loop.emitAnnouncements()
            return try result.get()
        }
    }

    /// Whether the conversation is too long and may be summarized again.
    func isCompactionDue(_ state: SessionState) -> Bool {
        guard let threshold = compactionThreshold, budget.exhausted == nil else { return false }
        if let answers = state.answersSinceCompaction, answers < settings.compaction.minTurnsBetween { return false }
        return state.lastInputTokens >= threshold || state.historyBytes / 4 >= threshold
    }

    /// How many tokens a conversation may have before it is summarized: as configured, but no more than fits beside an
    /// answer into what the model is known to read; nil never does it by itself.
    private var compactionThreshold: Int? {
        guard let configured = settings.compaction.threshold else { return nil }
        guard let window = target.profile.contextWindow else { return configured }
        return min(configured, max(window / 2, (window - target.maxTokens) / 10 * 9))
    }

    /// Summarizes the conversation when it is time to.
    mutating func compactIfDue() async throws(SessionError) {
        // What was said since the last commit belongs to the conversation that is looked at.
        guard session.withLoaded({ isCompactionDue($0.state) }) ?? false else { return }
        takeMessages()
        try await commit()
        await emitAnnouncements()
        _ = try await compact()
    }

    /// Lets the model summarize the older part of the conversation, which the summary then stands for.
    ///
    /// A failure changes nothing and is tried again only after some more answers.
    ///
    /// - Returns: nil when there is nothing to summarize or it failed.
    /// - Throws: when the run has to end.
    mutating func compact() async throws(SessionError) -> CompactionCompleted? {
        let keeping = settings.compaction.recentTurns
        let threshold = compactionThreshold ?? CompactionSettings.defaultThreshold
        let planned = session.withLoaded { loaded in
            CompactionPlan(loaded.state, keepingTurns: keeping, threshold: threshold)
        }
        guard let plan = planned ?? nil else { return nil }
        announcements.append(.compactionStarted(plan.started))
        let bound = costBound(compactionRequest(plan), .compaction)
        pending.append(modelCalled(.compaction, attempt: 1, bound: bound))
        try await commit()
        await emitAnnouncements()
        do throws(CallFailure) {
            let (answer, spent) = try await call(.compaction, attempt: 1, events: IgnoringEventSink()) { loop in
                loop.compactionRequest(plan)
            }
            let summary = answer.blocks.joinedText.trimmed
            guard !summary.isEmpty else {
                pending.append(
                    .modelFailed(call: calls, attempt: 1, cause: "no_text", usage: answer.usage, spent: spent))
                return compactionFailed("the model gave no summary")
            }
            return try await store(String(summary), plan, answer.usage, spent)
        } catch {
            switch error {
            case .ended(let ended):
                announcements.append(.compactionFailed(CompactionFailed(error: ended.failure.message)))
                throw ended
            case .provider(let error): return compactionFailed(error.message)
            }
        }
    }

    private func compactionRequest(_ plan: CompactionPlan) -> ModelRequest {
        var writer = JSONWriter()
        target.provider.render(
            .input(results: [], messages: [[.text(plan.question)]]), model: target.model, into: &writer)
        return ModelRequest(
            model: target.model, profile: target.profile,
            maxTokens: budget.maxTokens(of: settings.compaction.maxSummaryTokens),
            instructions: CompactionPlan.instructions, history: RenderedHistory(chunks: [writer.bytes]))
    }

    private mutating func store(
        _ summary: String, _ plan: CompactionPlan, _ usage: Usage?, _ spent: Spending
    ) async throws(CallFailure) -> CompactionCompleted {
        let text = plan.message(summary: summary, openWork: await tools.openWork())
        var compaction = Compaction(summary: [.text(text)], keptFrom: plan.keptFrom, usage: usage, spent: spent)
        var totals = session.withLoaded { $0.state.totals }
        totals?.account(.compacted(compaction))
        compaction.totals = totals
        pending.append(.compacted(compaction))
        do throws(SessionError) { try await commit(order.isRun ? nil : .end) } catch {
            throw .ended(error)
        }
        let after = session.withLoaded { loaded in
            loaded.state.history.reduce(0) { $0 + $1.messageCount }
        }
        let completed = CompactionCompleted(
            summaryTokens: Int(clamping: usage?.outputTokens ?? 0), messagesBefore: plan.started.messageCount,
            messagesAfter: after ?? 0)
        announcements.append(.compactionCompleted(completed))
        return completed
    }

    private mutating func compactionFailed(_ message: String) -> CompactionCompleted? {
        announcements.append(.compactionFailed(CompactionFailed(error: message)))
        return nil
    }
}
