internal import MeerkatCore

extension RunLoop {
    /// Makes the next model call durable and announces it, with what other sources have said meanwhile.
    mutating func beginCall(_ purpose: ModelCall.Purpose) async throws(SessionError) {
        takeMessages()
        pending.append(nextCall(purpose))
        announcements.append(.turnStarted(TurnStarted(turnNumber: calls - 1)))
        try await commit()
    }

    /// Puts what other sources have said into the conversation.
    mutating func takeMessages() {
        for message in session.takeInbox() {
            pending.append(.messageAdded(origin: message.origin.rawValue, blocks: message.blocks))
        }
    }

    mutating func nextCall(_ purpose: ModelCall.Purpose) -> Entry.Kind {
        calls += 1
        return modelCalled(purpose, attempt: 1)
    }

    /// A call of the model as it is journaled; one for a summary has the number of the next call.
    func modelCalled(_ purpose: ModelCall.Purpose, attempt: Int) -> Entry.Kind {
        .modelCalled(
            ModelCall(
                call: purpose == .compaction ? calls : calls - 1, purpose: purpose, attempt: attempt,
                provider: target.provider.name, model: target.model, endpoint: target.provider.endpoint))
    }

    /// Calls the model for the conversation; the answer waits for the next commit.
    mutating func callModel(_ purpose: ModelCall.Purpose, attempt: Int) async throws(SessionError) -> ModelAnswer {
        await emitAnnouncements()
        guard let request = request(for: purpose) else { throw failure(.store(.failed("the session is not loaded"))) }
        do throws(CallFailure) {
            var answer = try await call(purpose, request, attempt: attempt, events: order.events)
            answer.blocks = normalized(answer.blocks)
            if !answer.blocks.joinedText.isEmpty { text = answer.blocks.joinedText }
            pending.append(
                .modelAnswered(
                    call: calls - 1, blocks: answer.blocks, stopReason: answer.stopReason, usage: answer.usage))
            return answer
        } catch {
            switch error {
            case .ended(let ended): throw ended
            case .provider(let error): throw failure(.provider(error, provider: target.provider.name))
            }
        }
    }

    /// Makes a call, again where that may help.
    ///
    /// `attempt` is the number of the first attempt, which is durable already; `events` takes what streams. Only a final
    /// failure is thrown.
    mutating func call(
        _ purpose: ModelCall.Purpose, _ request: ModelRequest, attempt: Int, events: any EventSink
    ) async throws(CallFailure) -> ModelAnswer {
        var attempt = attempt
        var tries = 1
        while true {
            guard !Task.isCancelled else { throw .ended(cancellation()) }
            let call = WatchedCall(of: target.provider, for: identity, events: events, clock: services.clock)
            do throws(ProviderError) {
                return try await call.run(
                    request, firstToken: settings.firstTokenTimeout, idle: settings.idleTimeout)
            } catch {
                try await recover(
                    from: error, purpose, attempt: attempt, tries: tries,
                    hasShownText: call.hasShownText && purpose != .compaction)
                attempt += 1
                tries += 1
            }
        }
    }

    /// Waits until the failed call may be made again and makes the new attempt durable.
    private mutating func recover(
        from error: ProviderError, _ purpose: ModelCall.Purpose, attempt: Int, tries: Int, hasShownText: Bool
    ) async throws(CallFailure) {
        let isCancelled = Task.isCancelled || error.reason == .cancelled
        pending.append(
            .modelFailed(
                call: purpose == .compaction ? calls : calls - 1, attempt: attempt,
                cause: isCancelled ? "cancelled" : error.reason.rawValue, usage: error.usage))
        services.log(.info, "run \(run): attempt \(attempt) failed: \(error.message)")
        guard !isCancelled else { throw .ended(cancellation()) }
        let mayRepeat = !hasShownText || order.events.acceptsDiscardedText
        let delay = settings.retry.delay(after: error, attempt: tries, jitter: .random(in: -1...1))
        guard mayRepeat, let delay else { throw .provider(error) }
        announcements.append(
            .retrying(
                Retrying(
                    attempt: tries, maxAttempts: settings.retry.maxAttempts, error: error.message,
                    delayMs: delay.milliseconds, discardText: hasShownText)))
        await emitAnnouncements()
        do {
            try await services.clock.sleep(for: delay)
        } catch {
            throw .ended(cancellation())
        }
        pending.append(modelCalled(purpose, attempt: attempt + 1))
        do throws(SessionError) { try await commit() } catch { throw .ended(error) }
    }

    private func request(for purpose: ModelCall.Purpose) -> ModelRequest? {
        session.withLoaded { loaded in
            ModelRequest(
                model: target.model, maxTokens: budget.maxTokens(of: target.maxTokens),
                temperature: purpose == .extraction ? 0 : target.temperature,
                instructions: loaded.state.instructions ?? "", tools: loaded.state.tools,
                usesTools: purpose == .turn,
                outputSchema: purpose == .extraction || tools.isEmpty ? options.outputSchema : nil,
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

/// Why a model call came to nothing.
enum CallFailure: Error {
    case provider(ProviderError)
    /// The run has to end, by an interrupt or because the store failed.
    case ended(SessionError)
}

extension Duration {
    var milliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
