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
    /// Each result is durable before it is announced; the last one waits for the commit of the next model call.
    mutating func dispatch(_ toolUses: [ToolUse], of answer: ModelAnswer) async throws(SessionError) {
        toolCalls += toolUses.count
        let plans = toolUses.map(plan)
        announce(answer)
        for (toolUse, plan) in zip(toolUses, plans) {
            if case .run(let tool, let arguments) = plan {
                pending.append(
                    .toolStarted(
                        toolUseID: toolUse.id, name: toolUse.name, arguments: arguments, effect: tool.effect))
            }
            announcements.append(.toolExecutionStarted(ToolExecutionStarted(id: toolUse.id, name: toolUse.name)))
        }
        try await commit()
        await emitAnnouncements()

        var unfinished = toolUses.count
        for (toolUse, plan) in zip(toolUses, plans) {
            guard case .refuse(let error) = plan else { continue }
            unfinished -= 1
            add(refusal(of: toolUse, error), duration: .zero)
        }
        if unfinished > 0 { try await run(zip(toolUses, plans).map { ($0, $1) }, count: unfinished) }
    }

    private func plan(_ toolUse: ToolUse) -> Plan {
        guard let tool = services.tools[toolUse.name] else { return .refuse(.notFound(name: toolUse.name)) }
        guard let arguments = toolUse.arguments else {
            return .refuse(.invalidArguments("the arguments are not valid JSON or were cut off"))
        }
        return .run(tool, arguments)
    }

    private func refusal(of toolUse: ToolUse, _ error: ToolError) -> ToolResult {
        ToolResult(
            toolUseID: toolUse.id, name: toolUse.name, content: [.text(error.modelText)], isError: true,
            origin: .denied)
    }

    private mutating func run(_ calls: [(ToolUse, Plan)], count: Int) async throws(SessionError) {
        let clock = services.clock
        var unfinished = count
        var ended: SessionError?
        await withTaskGroup(of: (ToolResult, Duration).self) { group in
            for case (let toolUse, .run(let tool, let arguments)) in calls {
                let context = ToolContext(session: session.id, run: run, toolUseID: toolUse.id, clock: clock)
                group.addTask {
                    let start = clock.uptime
                    let result = await Self.result(of: toolUse, tool, arguments, in: context)
                    return (result, .nanoseconds(Int64(clamping: clock.uptime - start)))
                }
            }
            for await (result, duration) in group {
                unfinished -= 1
                guard ended == nil, !(Task.isCancelled && result.isError) else { continue }
                if !pending.isEmpty { ended = await flush() }
                if ended == nil { add(result, duration: duration) }
                if ended == nil, unfinished > 0 { ended = await flush() }
            }
        }
        if let ended { throw ended }
        if Task.isCancelled { throw failure(.cancelled(survivors: [])) }
    }

    private static func result(
        of toolUse: ToolUse, _ tool: any Tool, _ arguments: RawJSON, in context: ToolContext
    ) async -> ToolResult {
        do throws(ToolError) {
            let output = try await tool.call(json: arguments, in: context)
            return ToolResult(
                toolUseID: toolUse.id, name: toolUse.name, content: output.content, isError: false, origin: .ran)
        } catch {
            return ToolResult(
                toolUseID: toolUse.id, name: toolUse.name, content: [.text(error.modelText)], isError: true,
                origin: .ran)
        }
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
        announcements.append(
            .toolExecutionCompleted(
                ToolExecutionCompleted(
                    id: result.toolUseID, name: result.name, result: result.content.joinedText,
                    isError: result.isError, durationMs: duration.milliseconds)))
        announcements.append(
            .toolResultReceived(
                ToolResultReceived(id: result.toolUseID, name: result.name, isError: result.isError)))
    }
}

extension ToolUse {
    /// The arguments as events show them: what was not JSON becomes a string.
    var shownArguments: RawJSON { arguments ?? RawJSON(encoding: malformedArguments ?? "") }
}
