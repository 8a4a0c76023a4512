internal import MeerkatCore
internal import MeerkatJSON

extension Configuration {
    /// The first thing that the configuration asks of every session and that this build cannot do.
    ///
    /// A guard that is configured and not obeyed would be worse than none.
    var unavailableFeature: String? {
        if hooks.entries.contains(where: \.isEnabled) { return "hooks" }
        if tools.commsEnabled { return "comms" }
        if tools.subAgentsEnabled { return "sub_agents" }
        if !skills.repositories.isEmpty { return "skills" }
        if !tools.mcpServers.isEmpty { return "mcp" }
        return nil
    }

    /// The limits of a session that sets none itself; `limits` goes before `budget`, which is its other name.
    var runLimits: RunLimits {
        RunLimits(
            maxTokens: limits.budget ?? budget.maxTokens,
            maxDurationMs: (limits.maxDuration ?? budget.maxDuration).map { Int(clamping: $0.clampedMilliseconds) },
            maxToolCalls: budget.maxToolCalls, maxCost: limits.maxCost)
    }
}
