extension Configuration {
    /// Checks what types alone do not say.
    ///
    /// Done when a configuration is written, not when a file is read.
    public func validate() throws(ConfigError) {
        try subAgents.validate()
        for (index, entry) in hooks.entries.enumerated() {
            if let problem = entry.problem {
                throw ConfigError(.invalid(problem), key: ["hooks", "entries", String(index)])
            }
        }
    }
}

extension Configuration.SubAgents {
    private static let providers = ["anthropic", "openai", "gemini"]
    private static let inherit = "inherit"

    func validate() throws(ConfigError) {
        let allowed: ConfigPath = ["sub_agents", "allowed_models"]
        for provider in Self.providers {
            guard let models = allowedModels[provider], !models.isEmpty else {
                throw ConfigError(.invalid("must name at least one model"), key: allowed + provider)
            }
        }
        for (provider, models) in allowedModels where models.contains("*") {
            throw ConfigError(.invalid("\"*\" is not allowed"), key: allowed + provider)
        }
        guard defaultProvider != Self.inherit else { return }
        guard Self.providers.contains(defaultProvider) else {
            let words = ([Self.inherit] + Self.providers).joined(separator: ", ")
            throw ConfigError(.invalid("must be one of \(words)"), key: ["sub_agents", "default_provider"])
        }
        guard defaultModel == Self.inherit || allowedModels[defaultProvider]?.contains(defaultModel) == true else {
            throw ConfigError(
                .invalid("is not among the allowed models of \(defaultProvider)"),
                key: ["sub_agents", "default_model"])
        }
    }
}

extension Configuration.HookEntry {
    /// What makes the entry unusable, or nil.
    public var problem: String? {
        if id.allSatisfy(\.isWhitespace) { return "the id must not be blank" }
        guard mode == .background else { return nil }
        if point.isBeforeStep, capability != .observe { return "a background hook can only observe at this point" }
        return effectiveFailurePolicy == .failClosed ? "a background hook cannot fail closed" : nil
    }

    /// The failure policy that counts when none is given.
    public var effectiveFailurePolicy: FailurePolicy {
        failurePolicy ?? (capability == .observe ? .failOpen : .failClosed)
    }
}

extension Configuration.HookEntry.Point {
    /// Whether the hook is called before the step it is about, and may stop it.
    public var isBeforeStep: Bool {
        switch self {
        case .runStarted, .preLLMRequest, .preToolExecution, .turnBoundary: true
        case .postLLMResponse, .postToolExecution, .runCompleted, .runFailed: false
        }
    }
}
