internal import MeerkatCore

extension RunLoop {
    /// An answer and what it cost.
    typealias Billed = (answer: ModelAnswer, spent: Spending)

    /// Makes a call, again where that may help, and of the fallback models when it does not.
    ///
    /// `attempt` is the number of the first attempt, which is durable already; `events` takes what streams; `make` says
    /// what is asked, of the model that is the target then. Only a final failure is thrown.
    mutating func call(
        _ purpose: ModelCall.Purpose, attempt: Int, events: any EventSink, request make: (RunLoop) -> ModelRequest?
    ) async throws(CallFailure) -> Billed {
        var attempt = attempt
        var tries = 1
        while true {
            guard var request = make(self) else {
                throw .ended(failure(.store(.failed("the session is not loaded"))))
            }
            request.answerLimits = settings.answerLimits
            let bound: USDollars?
            do throws(CallFailure) {
                guard !Task.isCancelled else { throw .ended(cancellation()) }
                bound = try admit(&request, purpose)
            } catch {
                recordFailure(of: purpose, attempt: attempt, "not_made", usage: nil, spent: .zero)
                throw error
            }
            let call = WatchedCall(of: target.provider, for: identity, events: events, with: services)
            do throws(ProviderError) {
                let answer = try await watch(call, request)
                return (answer, bill(answer, of: request, purpose, bound: bound))
            } catch {
                let isCancelled = Task.isCancelled || error.reason == .cancelled
                recordFailure(
                    of: purpose, attempt: attempt, isCancelled ? "cancelled" : error.reason.rawValue,
                    usage: error.usage, spent: bill(error, bound: bound))
                services.log(.info, "run \(run): attempt \(attempt) failed: \(error.message)")
                guard !isCancelled else { throw .ended(cancellation()) }
                let hasShownText = call.hasShownText && purpose != .compaction
                guard !hasShownText || order.events.acceptsDiscardedText else { throw .provider(error) }
                if let delay = delay(after: error, tries: tries) {
                    try await wait(delay, after: error, tries: tries, hasShownText: hasShownText)
                    tries += 1
                } else {
                    try await fallBack(from: error, hasShownText: hasShownText)
                    tries = 1
                }
                attempt += 1
                pending.append(
                    modelCalled(purpose, attempt: attempt, bound: costBound(make(self), purpose)))
                do throws(SessionError) { try await commit() } catch { throw .ended(error) }
                await emitAnnouncements()
            }
        }
    }

    private mutating func recordFailure(
        of purpose: ModelCall.Purpose, attempt: Int, _ cause: String, usage: Usage?, spent: Spending
    ) {
        pending.append(
            .modelFailed(
                call: purpose == .compaction ? calls : calls - 1, attempt: attempt, cause: cause, usage: usage,
                spent: spent))
    }

    /// Makes one attempt, once the provider has a place for it.
    private func watch(_ call: WatchedCall, _ request: ModelRequest) async throws(ProviderError) -> ModelAnswer {
        do throws(CancellationError) {
            try await target.gate?.enter()
        } catch {
            var error = ProviderError.cancelled
            error.wasSent = false
            throw error
        }
        defer { target.gate?.leave() }
        let answer = try await call.run(request, firstToken: settings.firstTokenTimeout, idle: settings.idleTimeout)
        let limit = request.answerLimits.maxToolCalls
        guard answer.blocks.toolUses.count <= limit else {
            throw ProviderError(
                .answerTooLarge, "the answer has more than \(limit) tool calls (limits.max_answer_tool_calls)",
                usage: answer.usage)
        }
        return answer
    }

    // MARK: Again

    /// How long to wait before the next attempt; nil when there should be none, or the run's time is over by then.
    private func delay(after error: ProviderError, tries: Int) -> Duration? {
        guard let delay = settings.retry.delay(after: error, attempt: tries, jitter: .random(in: -1...1)) else {
            return nil
        }
        // Another model answers sooner than a provider that wants to be left alone for long.
        if delay > settings.retry.maxDelay, !fallbacks.isEmpty { return nil }
        guard let limit = options.limits.maxDurationMs else { return delay }
        return handle.elapsed(at: services.clock.uptime) + delay < .milliseconds(limit) ? delay : nil
    }

    private mutating func wait(
        _ delay: Duration, after error: ProviderError, tries: Int, hasShownText: Bool
    ) async throws(CallFailure) {
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
    }

    /// Makes the next fallback model that can be used the target of this run.
    ///
    /// - Throws: the given error when there is none left.
    private mutating func fallBack(from error: ProviderError, hasShownText: Bool) async throws(CallFailure) {
        while let choice = fallbacks.popFirst() {
            let next: ResolvedModel
            do throws(SessionError) {
                next = try await services.model(options.falling(back: choice))
                try services.checkPrice(of: next, for: options, totals: totals)
                answerCheck = try services.answerCheck(for: options, next)
            } catch {
                services.log(.warn, "run \(run): \(choice.model) cannot be used: \(error.failure.message)")
                continue
            }
            announcements.append(
                .modelFallback(
                    ModelFallback(
                        fromProvider: target.provider.name, fromModel: target.model, provider: next.provider.name,
                        model: next.model, endpoint: next.provider.endpoint, error: error.message,
                        discardText: hasShownText)))
            target = next
            return
        }
        throw .provider(error)
    }
}

/// Why a model call came to nothing.
enum CallFailure: Error {
    case provider(ProviderError)
    /// The run has to end, by an interrupt, a limit, or because the store failed.
    case ended(SessionError)
}

extension SessionOptions {
    /// The options with another model; settings for one provider mean nothing to another.
    func falling(back choice: ModelChoice) -> SessionOptions {
        var options = self
        options.model = choice.model
        if choice.provider != provider {
            options.provider = choice.provider
            options.providerParams = nil
        }
        return options
    }
}
