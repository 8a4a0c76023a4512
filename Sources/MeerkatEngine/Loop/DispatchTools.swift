internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// What becomes of one tool call.
    private enum Plan: Sendable {
        case run(any Tool, RawJSON)
        case refuse(ToolError)
    }

    /// Runs the calls of an answer side by side and gives each its result, in the journal and in the conversation.
    ///
    /// A call is durable before it is started, and its result before that is announced; the last one waits for the
    /// commit of the next model call.
    mutating func dispatch(_ calls: [ToolUse], admitted: Int) async throws(SessionError) {
        warn()
        var refused: [(ToolUse, ToolError)] = []
        var batch: [ToolBatch.Call] = []
        for (index, toolUse) in calls.enumerated() {
            let error = ToolError.accessDenied("the limit of tool calls is reached: max_tool_calls is used up")
            switch index < admitted ? plan(toolUse) : .refuse(error) {
            case .refuse(let error): refused.append((toolUse, error))
            case .run(let tool, let arguments):
                batch.append(
                    ToolBatch.Call(
                        toolUse: toolUse, tool: tool, arguments: arguments,
                        limit: settings.tools.timeout(of: tool, named: toolUse.name), context: context(of: toolUse)))
            }
        }
        for call in batch.prefix(settings.tools.maxConcurrent) { announceStart(of: call) }
        for (toolUse, _) in refused { announceExecution(of: toolUse) }
        try await commit()
        await emitAnnouncements()
        for (toolUse, error) in refused { add(.refusal(of: toolUse, error), duration: .zero) }
        var outcomes = refused.map {
            ($0.0.id, RepetitionGuard.Outcome.content(ToolResult.refusal(of: $0.0, $0.1).content))
        }
        if !batch.isEmpty { outcomes += try await run(batch) }
        note(calls, Dictionary(outcomes) { first, _ in first })
    }

    private func plan(_ toolUse: ToolUse) -> Plan {
        guard let tool = tools[toolUse.name] else { return .refuse(.notFound(name: toolUse.name)) }
        guard let arguments = toolUse.arguments else {
            return .refuse(.invalidArguments("the arguments are not valid JSON or were cut off"))
        }
        do throws(ToolError) {
            try tools.check(arguments, for: tool)
        } catch {
            return .refuse(error)
        }
        return .run(tool, arguments)
    }

    private func context(of toolUse: ToolUse) -> ToolContext {
        ToolContext(session: session.id, run: run, toolUseID: toolUse.id, clock: services.clock) {
            [session, services, run] (process) throws(ToolError) in
            var process = process
            process.owner = session.claim?.owner
            do throws(StoreError) {
                try await session.append(
                    [.processStarted(toolUseID: toolUse.id, process)], run: run, .keep, with: services)
            } catch {
                throw .executionFailed("the call could not be stored: \(error.message)")
            }
        }
    }

    private mutating func announceStart(of call: ToolBatch.Call) {
        pending.append(
            .toolStarted(
                toolUseID: call.toolUse.id, name: call.toolUse.name, arguments: call.arguments,
                effect: call.tool.effect))
        announceExecution(of: call.toolUse)
    }

    private mutating func announceExecution(of toolUse: ToolUse) {
        announcements.append(.toolExecutionStarted(ToolExecutionStarted(id: toolUse.id, name: toolUse.name)))
    }

    /// Runs calls, at most as many at a time as are allowed.
    private mutating func run(_ calls: [ToolBatch.Call]) async throws(SessionError) -> [(
        String, RepetitionGuard.Outcome
    )] {
        let places = settings.tools.maxConcurrent
        let batch = ToolBatch(calls, places: places, clock: services.clock, executor: services.taskExecutor)
        defer { batch.close() }
        for index in calls.indices.prefix(places) { batch.start(index) }
        var outcomes: [(String, RepetitionGuard.Outcome)] = []
        var survivors: [String] = []
        var ended: SessionError?
        for unfinished in (0..<calls.count).reversed() {
            let end = await batch.next()
            let call = calls[end.index]
            if end.isLeftBehind { survivors.append("\(call.toolUse.name) (\(call.toolUse.id))") }
            guard ended == nil else { continue }
            // What was held back for the next commit goes out before another result comes.
            if !pending.isEmpty { ended = await flush() }
            guard ended == nil, let result = ToolResult(end, of: call.toolUse) else {
                if ended != nil { batch.cancel() }
                continue
            }
            if case .timedOut(let limit) = end.reason {
                // A call that never had its turn was not announced yet; every call is.
                if !end.hadPlace { announceExecution(of: call.toolUse) }
                announcements.append(
                    .toolExecutionTimedOut(
                        ToolExecutionTimedOut(
                            id: call.toolUse.id, name: call.toolUse.name, timeoutMs: limit.milliseconds)))
            }
            add(result, duration: end.duration)
            outcomes.append((call.toolUse.id, end.essence.map { .essence($0) } ?? .content(result.content)))
            guard unfinished > 0, !Task.isCancelled else { continue }
            let starting = batch.passPlace(of: end)
            if let starting { announceStart(of: calls[starting]) }
            ended = await flush()
            if ended != nil {
                // Nothing more can be stored: what still runs has no use.
                batch.cancel()
            } else if let starting {
                batch.start(starting)
            }
        }
        if let ended { throw ended }
        if Task.isCancelled { throw cancellation(survivors: survivors) }
        return outcomes
    }

    private mutating func flush() async -> SessionError? {
        do throws(SessionError) {
            try await commit()
        } catch {
            return error
        }
        await emitAnnouncements()
        return nil
    }

    private mutating func add(_ result: ToolResult, duration: Duration) {
        pending.append(.toolFinished(result))
        announceResult(result, duration: duration)
    }

    mutating func announceResult(_ result: ToolResult, duration: Duration) {
        announcements.append(
            .toolExecutionCompleted(
                ToolExecutionCompleted(
                    id: result.toolUseID, name: result.name, result: result.content.joinedText,
                    isError: result.isError, durationMs: duration.milliseconds)))
        announcements.append(
            .toolResultReceived(
                ToolResultReceived(id: result.toolUseID, name: result.name, isError: result.isError)))
    }

    /// Looks whether the model repeats itself, and tells it so.
    private mutating func note(_ toolUses: [ToolUse], _ outcomes: [String: RepetitionGuard.Outcome]) {
        repetition.note(
            toolUses.compactMap { toolUse in
                guard tools[toolUse.name]?.isPolling != true, let outcome = outcomes[toolUse.id] else { return nil }
                return (toolUse, outcome)
            })
        guard let message = repetition.takeMessage() else { return }
        pending.append(.messageAdded(origin: MessageOrigin.repetition.rawValue, blocks: [.text(message)]))
    }
}

extension ToolResult {
    fileprivate static func refusal(of toolUse: ToolUse, _ error: ToolError) -> ToolResult {
        ToolResult(
            toolUseID: toolUse.id, name: toolUse.name, content: [.text(error.modelText)], isError: true,
            origin: .denied)
    }

    /// The result of a call that ended; nil when it was interrupted, and gets a closing one.
    fileprivate init?(_ end: ToolBatch.Ended, of toolUse: ToolUse) {
        switch end.reason {
        case .returned(let output):
            self.init(
                toolUseID: toolUse.id, name: toolUse.name, content: output.content, isError: false, origin: .ran)
        case .failed(let error):
            self.init(
                toolUseID: toolUse.id, name: toolUse.name, content: [.text(error.modelText)], isError: true,
                origin: .ran)
        case .timedOut(let limit):
            let error = ToolError.timedOut(milliseconds: limit.milliseconds)
            self.init(
                toolUseID: toolUse.id, name: toolUse.name, content: [.text(error.modelText)], isError: true,
                origin: .timedOut)
        case .cancelled: return nil
        }
    }
}

extension ToolUse {
    /// The arguments as events show them: what was not JSON becomes a string.
    var shownArguments: RawJSON { arguments ?? RawJSON(encoding: malformedArguments ?? "") }
}
