internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// Makes the next model call durable and announces it, with what other sources have said meanwhile.
    mutating func beginCall(_ purpose: ModelCall.Purpose) async throws(SessionError) {
        takeMessages()
        // What the call can cost is known once all that it is about is part of the conversation.
        if options.limits.maxCost != nil { try await commit() }
        pending.append(nextCall(purpose, bound: costBound(request(for: purpose), purpose)))
        announcements.append(.turnStarted(TurnStarted(turnNumber: calls - 1)))
        try await commit()
    }

    /// Puts what other sources have said into the conversation.
    mutating func takeMessages() {
        let messages = session.inbox(after: takenMessages)
        pending += messages.map(\.entry)
        takenMessages += messages.count
    }

    mutating func nextCall(_ purpose: ModelCall.Purpose, bound: USDollars? = nil) -> Entry.Kind {
        calls += 1
        return modelCalled(purpose, attempt: 1, bound: bound)
    }

    /// A call of the model as it is journaled; one for a summary has the number of the next call.
    func modelCalled(_ purpose: ModelCall.Purpose, attempt: Int, bound: USDollars? = nil) -> Entry.Kind {
        .modelCalled(
            ModelCall(
                call: purpose == .compaction ? calls : calls - 1, purpose: purpose, attempt: attempt,
                provider: target.provider.name, model: target.model, endpoint: target.provider.endpoint,
                bound: bound))
    }

    /// Calls the model for the conversation; the answer waits for the next commit.
    mutating func callModel(_ purpose: ModelCall.Purpose, attempt: Int) async throws(SessionError) -> ModelAnswer {
        await emitAnnouncements()
        do throws(CallFailure) {
            var (answer, spent) = try await call(purpose, attempt: attempt, events: order.events) { loop in
                loop.request(for: purpose)
            }
            answer.blocks = normalized(answer.blocks)
            // Some providers have no word for it.
            if answer.stopReason == .endTurn, !answer.blocks.toolUses.isEmpty { answer.stopReason = .toolUse }
            if !answer.blocks.joinedText.isEmpty { text = answer.blocks.joinedText }
            pending.append(
                .modelAnswered(
                    call: calls - 1, blocks: answer.blocks, stopReason: answer.stopReason, usage: answer.usage,
                    spent: spent))
            return answer
        } catch {
            switch error {
            case .ended(let ended): throw ended
            case .provider(let error): throw failure(.provider(error, provider: target.provider.name))
            }
        }
    }

    /// What the model is asked in the conversation; nil when the session is not loaded.
    func request(for purpose: ModelCall.Purpose) -> ModelRequest? {
        session.withLoaded { loaded in
            ModelRequest(
                model: target.model, profile: target.profile, conversation: "\(session.id)",
                maxTokens: budget.maxTokens(of: target.maxTokens),
                temperature: purpose == .extraction ? 0 : target.temperature,
                instructions: loaded.state.instructions ?? "", tools: loaded.state.tools,
                usesTools: purpose == .turn,
                outputSchema: purpose == .extraction || tools.isEmpty ? options.outputSchema : nil,
                history: loaded.buffer.history(
                    of: loaded.state, by: target.provider, model: target.model,
                    imageTypes: target.imageTypes),
                parameters: target.parameters)
        }
    }

    /// The blocks without empty text, each tool call with an id that the session has not had.
    private func normalized(_ blocks: [Block]) -> [Block] {
        var ids: Set<String> = []
        /// The last number behind each id that was given more than once.
        var numbers: [String: Int] = [:]
        func isNew(_ id: String) -> Bool {
            !(session.withLoaded { $0.state.mayHaveToolUse(id) } ?? false) && ids.insert(id).inserted
        }
        return blocks.compactMap { block in
            switch block {
            case .text(let text): return text.isEmpty ? nil : block
            case .toolUse(var toolUse):
                let given = toolUse.id.isEmpty ? "call" : toolUse.id
                var number = numbers[given] ?? 1
                if toolUse.id.isEmpty { toolUse.id = "call_1" }
                while !isNew(toolUse.id) {
                    number += 1
                    toolUse.id = "\(given)_\(number)"
                }
                numbers[given] = number
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
    /// Whole milliseconds, or the nearest number that fits.
    var milliseconds: Int {
        Int(clamping: clampedMilliseconds)
    }
}
