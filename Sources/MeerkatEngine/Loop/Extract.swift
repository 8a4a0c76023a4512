internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// Gets the final answer in the schema that was asked for.
    ///
    /// A session without tools has asked for it with the turn itself, so its answer counts as the first; otherwise the
    /// model is asked for it now. Each call is like any other; its question and its answer stay in the conversation.
    ///
    /// `blocks` is the answer that ended the conversation; it is nil when an extraction call is durable and waits to be
    /// made, as the given attempt. The run ends with an error when no answer fits after the retries.
    mutating func extract(
        from blocks: [Block]?, _ check: AnswerCheck, attempt: Int?
    ) async throws(SessionError) -> Ending {
        var attempt = attempt
        var problem: AnswerProblem?
        var last = text ?? ""
        if let blocks {
            last = blocks.joinedText
            if tools.isEmpty || extractions > 0 {
                switch check.check(last) {
                case .success(let json): return ending(json)
                case .failure(let found): problem = found
                }
            }
        }
        while true {
            // Of the answers that were to fit, the session without tools has one that is no extraction.
            let replies = extractions + (tools.isEmpty ? 1 : 0)
            if attempt == nil {
                if let problem, replies > check.retries {
                    throw failure(
                        .structuredOutput(attempts: replies, reason: problem.message, lastOutput: last))
                }
                try await ask(after: problem)
            }
            let answer = try await callModel(.extraction, attempt: attempt ?? 1)
            attempt = nil
            extractions += 1
            announce(answer)
            last = answer.blocks.joinedText
            switch check.check(last) {
            case .success(let json): return ending(json)
            case .failure(let found): problem = found
            }
        }
    }

    private mutating func ask(after problem: AnswerProblem?) async throws(SessionError) {
        warn()
        if let limit = budget.exhausted { throw failure(.limitReached(limit)) }
        if isCostExhausted { throw failure(.limitReached("max_cost_usd")) }
        if calls >= options.limits.maxTurns ?? settings.maxTurns { throw failure(.limitReached("max_turns")) }
        let question =
            if let problem {
                """
                That is not what was asked for: \(problem.message)
                Answer again with the corrected JSON and nothing else.
                """
            } else {
                """
                Now give the final answer as one JSON value that fits the output schema below, and nothing else: no \
                explanation, no code fence.

                \(schemaText)
                """
            }
        pending.append(.messageAdded(origin: MessageOrigin.extraction.rawValue, blocks: [.text(question)]))
        try await beginCall(.extraction)
    }

    private var schemaText: String {
        options.outputSchema.map { String(decoding: $0.schema.jsonBytes, as: UTF8.self) } ?? ""
    }

    private mutating func ending(_ json: RawJSON) -> Ending {
        text = json.text
        return Ending(structuredOutput: json)
    }
}
