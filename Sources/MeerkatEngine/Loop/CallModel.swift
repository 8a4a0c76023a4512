internal import MeerkatCore

extension RunLoop {
    /// Makes the next model call durable and announces it.
    mutating func beginCall() async throws(SessionError) {
        pending.append(nextCall())
        announcements.append(.turnStarted(TurnStarted(turnNumber: calls - 1)))
        try await commit()
    }

    mutating func nextCall() -> Entry.Kind {
        calls += 1
        return modelCalled(attempt: 1)
    }

    private func modelCalled(attempt: Int) -> Entry.Kind {
        .modelCalled(
            ModelCall(
                call: calls - 1, attempt: attempt, provider: target.provider.name, model: target.model,
                endpoint: target.provider.endpoint))
    }

    /// Calls the model, again where that may help; the answer waits for the next commit.
    mutating func callModel() async throws(SessionError) -> ModelAnswer {
        await emitAnnouncements()
        guard let request else { throw failure(.store(.failed("the session is not loaded"))) }
        var attempt = 1
        while true {
            guard !Task.isCancelled else { throw failure(.cancelled(survivors: [])) }
            let call = WatchedCall(of: target.provider, for: identity, events: order.events, clock: services.clock)
            do throws(ProviderError) {
                var answer = try await call.run(
                    request, firstToken: settings.firstTokenTimeout, idle: settings.idleTimeout)
                answer.blocks = normalized(answer.blocks)
                if !answer.blocks.joinedText.isEmpty { text = answer.blocks.joinedText }
                pending.append(
                    .modelAnswered(
                        call: calls - 1, blocks: answer.blocks, stopReason: answer.stopReason, usage: answer.usage))
                return answer
            } catch {
                try await recover(from: error, attempt: attempt, hasShownText: call.hasShownText)
                attempt += 1
            }
        }
    }

    /// Waits until the failed call may be made again and makes the new attempt durable.
    ///
    /// - Throws: when the failure is final.
    private mutating func recover(
        from error: ProviderError, attempt: Int, hasShownText: Bool
    ) async throws(SessionError) {
        let isCancelled = Task.isCancelled || error.reason == .cancelled
        pending.append(
            .modelFailed(
                call: calls - 1, attempt: attempt, cause: isCancelled ? "cancelled" : error.reason.rawValue,
                usage: error.usage))
        services.log(.info, "run \(run): attempt \(attempt) failed: \(error.message)")
        guard !isCancelled else { throw failure(.cancelled(survivors: [])) }
        let mayRepeat = !hasShownText || order.events.acceptsDiscardedText
        let delay = settings.retry.delay(after: error, attempt: attempt, jitter: .random(in: -1...1))
        guard mayRepeat, let delay else { throw failure(.provider(error, provider: target.provider.name)) }
        announcements.append(
            .retrying(
                Retrying(
                    attempt: attempt, maxAttempts: settings.retry.maxAttempts, error: error.message,
                    delayMs: delay.milliseconds, discardText: hasShownText)))
        await emitAnnouncements()
        do {
            try await services.clock.sleep(for: delay)
        } catch {
            throw failure(.cancelled(survivors: []))
        }
        pending.append(modelCalled(attempt: attempt + 1))
        try await commit()
    }

    private var request: ModelRequest? {
        session.withLoaded { loaded in
            ModelRequest(
                model: target.model, maxTokens: target.maxTokens, temperature: target.temperature,
                instructions: loaded.state.instructions ?? "", tools: loaded.state.tools,
                history: loaded.buffer.history(of: loaded.state, by: target.provider, model: target.model),
                parameters: target.parameters)
        }
    }

    /// The blocks without empty text, each tool call with an id of its own.
    private func normalized(_ blocks: [Block]) -> [Block] {
        var ids: Set<String> = []
        return blocks.compactMap { block in
            switch block {
            case .text(let text): return text.isEmpty ? nil : block
            case .toolUse(var toolUse):
                var number = 1
                let given = toolUse.id.isEmpty ? "call" : toolUse.id
                if toolUse.id.isEmpty { toolUse.id = "call_1" }
                while !ids.insert(toolUse.id).inserted {
                    number += 1
                    toolUse.id = "\(given)_\(number)"
                }
                return .toolUse(toolUse)
            default: return block
            }
        }
    }

    /// Announces an answer: its text and its end.
    mutating func announce(_ answer: ModelAnswer) {
        let text = answer.blocks.joinedText
        if !text.isEmpty { announcements.append(.textComplete(TextComplete(content: text))) }
        for toolUse in answer.blocks.toolUses {
            announcements.append(
                .toolCallRequested(
                    ToolCallRequested(id: toolUse.id, name: toolUse.name, args: toolUse.shownArguments)))
        }
        announcements.append(
            .turnCompleted(TurnCompleted(stopReason: answer.stopReason, usage: answer.usage ?? Usage())))
    }
}

extension Duration {
    var milliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
