internal import MeerkatCore

extension RunLoop {
    /// Lets the run end when its time is over.
    func scheduleDeadline() -> (any ScheduledAction)? {
        guard let limit = options.limits.maxDurationMs else { return nil }
        return services.clock.schedule(after: .milliseconds(limit)) { [handle] in handle.expire() }
    }

    /// Tells what is newly known of the limits.
    mutating func warn() {
        budget.count(totals)
        let elapsed = handle.elapsed(at: services.clock.uptime).milliseconds
        budget.count(milliseconds: handle.isExpired ? max(elapsed, options.limits.maxDurationMs ?? 0) : elapsed)
        for warning in budget.warnings() { announcements.append(.budgetWarning(warning)) }
    }

    /// How the run ends before its next model call because of a limit; nil when it may go on.
    ///
    /// - Throws: when there is no answer yet that could be the result.
    mutating func endingByLimit() throws(SessionError) -> Ending? {
        warn()
        let reached: (limit: String, stopReason: String)
        if let limit = budget.exhausted {
            reached = (limit, "budget_exhausted")
        } else if isCostExhausted {
            reached = ("max_cost_usd", "budget_exhausted")
        } else if repetition.isBroken {
            reached = ("max_repeats", "repeated_tool_call")
        } else if calls >= options.limits.maxTurns ?? settings.maxTurns {
            reached = ("max_turns", "max_turns")
        } else {
            return nil
        }
        // A text that was to fit a schema and was not checked is no result.
        guard text != nil, answerCheck == nil else { throw failure(.limitReached(reached.limit)) }
        return Ending(stopReason: reached.stopReason)
    }
}
