internal import MeerkatCore

extension RunLoop {
    /// The entries with which an interrupted run goes on, and where it stands; nil when it is not this run that is open.
    ///
    /// A call that must not be made twice and was started is closed, because nobody knows what it has done; the others
    /// are made again.
    mutating func resume(_ state: SessionState) -> Opening? {
        guard let open = state.openRun, open.id == run else { return nil }
        var entries: [LiveSession.Addition] = [(.runResumed, run)]
        entries += context(state).map { ($0, nil) }
        calls = open.calls
        toolCalls = open.toolCalls
        text = open.text
        extractions = open.extractions
        // The calls of the run's last answer are counted anew, so that those beyond a limit are refused again.
        let batch = open.toolCalls > 0 ? state.openCalls : []
        budget.begin(state.totals, toolCalls: state.toolCallCount - batch.count)
        let admitted = Set(batch.prefix(budget.admit(calls: batch.count)).map(\.toolUse.id))
        let closed = state.unansweredCalls.filter { $0.startedEffect == .once }
        for call in closed {
            let result = ToolResult.closing(call.toolUse, wasStarted: true)
            entries.append((.toolFinished(result), run))
            announceResult(result, duration: .zero)
        }
        let left = state.unansweredCalls.filter { $0.startedEffect != .once }
        if !left.isEmpty {
            let toolUses = left.map(\.toolUse)
            let position = Position.tools(toolUses, admitted: toolUses.filter { admitted.contains($0.id) }.count)
            return (entries, position, open.prompt)
        }
        let (further, position) = position(of: open, state)
        return (entries + further, position, open.prompt)
    }

    private mutating func position(
        of open: OpenRun, _ state: SessionState
    ) -> (entries: [LiveSession.Addition], position: Position) {
        if let attempt = open.pendingAttempt, open.purpose != .compaction {
            if options.limits.maxCost != nil, open.purpose == .turn {
                // What the call can cost is found out before it is made again.
                calls -= 1
                return ([], .idle)
            }
            let again = modelCalled(open.purpose, attempt: attempt + 1)
            return (
                [(again, run)],
                open.purpose == .turn ? .called(attempt: attempt + 1) : .extracting(attempt: attempt + 1)
            )
        }
        guard state.openInput == nil, case .answer(let blocks)? = state.closedGroups.last,
            open.purpose != .compaction
        else {
            return ([], .idle)
        }
        return ([], .answered(blocks))
    }
}
