internal import MeerkatCore

extension Configuration {
    /// The first thing that the configuration asks of every session and that this build cannot do.
    ///
    /// A limit or a guard that is configured and not obeyed would be worse than none.
    var unavailableFeature: String? {
        if agent.outputSchema != nil { return "structured_output" }
        if hooks.entries.contains(where: \.isEnabled) { return "hooks" }
        if tools.builtinsEnabled { return "builtins" }
        if tools.shellEnabled { return "shell" }
        if tools.commsEnabled { return "comms" }
        if tools.subAgentsEnabled { return "sub_agents" }
        if !skills.repositories.isEmpty { return "skills" }
        if !tools.mcpServers.isEmpty { return "mcp" }
        let isLimited =
            limits.budget != nil || limits.maxDuration != nil || budget.maxTokens != nil || budget.maxDuration != nil
            || budget.maxToolCalls != nil
        return isLimited ? "limits" : nil
    }
}
