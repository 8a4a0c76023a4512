public import MeerkatJSON

extension Configuration {
    /// How sessions behave that do not say otherwise.
    public struct Agent: ConfigSection {
        public var systemPrompt: String?
        /// Wins over ``systemPrompt``.
        public var systemPromptFile: String?
        /// Appended to the instructions of sessions that have tools.
        public var toolInstructions: String?
        public var model = Self.defaultModel
        public var maxTokensPerTurn = 16_384
        public var temperature: Double?
        /// The part of a limit at which a warning is given.
        public var budgetWarningThreshold = 0.8
        /// Most model calls of one run; nil means ``defaultMaxTurns``.
        public var maxTurns: Int?
        /// Settings passed on to the provider.
        public var providerParams: JSONObject?
        public var outputSchema: JSONValue?
        public var structuredOutputRetries = 2
        /// Models that a call is made of, one after the other, when it has failed for good.
        public var fallbackModels: [ModelChoice] = []
        public var unknown = JSONObject()

        public static let defaultMaxTurns = 100
        public static let defaultModel = "claude-sonnet-4-5"

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("system_prompt", &systemPrompt)
            try keys.key("system_prompt_file", &systemPromptFile)
            try keys.key("tool_instructions", &toolInstructions)
            try keys.key("model", &model)
            try keys.key("max_tokens_per_turn", &maxTokensPerTurn, 1...Int(UInt32.max))
            try keys.key("temperature", &temperature, 0...100)
            try keys.key("budget_warning_threshold", &budgetWarningThreshold, 0...1)
            try keys.key("max_turns", &maxTurns, 1...Int(UInt32.max))
            try keys.key("provider_params", &providerParams, nilAs: .omitted)
            try keys.key("output_schema", &outputSchema, nilAs: .omitted)
            try keys.key("structured_output_retries", &structuredOutputRetries, 0...Int(UInt32.max))
            try keys.key("fallback_models", &fallbackModels)
        }
    }

    /// The default model of each provider.
    public struct Models: ConfigSection {
        public var anthropic = "claude-opus-4-6"
        public var openai = "gpt-4.1"
        public var gemini = "gemini-3-flash-preview"
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("anthropic", &anthropic)
            try keys.key("openai", &openai)
            try keys.key("gemini", &gemini)
        }
    }

    /// What sub-agents may use.
    public struct SubAgents: ConfigSection {
        /// `inherit` takes that of the parent.
        public var defaultProvider = "inherit"
        public var defaultModel = "inherit"
        public var allowedModels: ConfigMap<[String]> = [
            "anthropic": ["claude-opus-4-6", "claude-sonnet-4-5", "claude-opus-4-5"],
            "openai": ["gpt-5.2", "gpt-5.2-pro"],
            "gemini": ["gemini-3-flash-preview", "gemini-3-pro-preview"],
        ]
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("default_provider", &defaultProvider)
            try keys.key("default_model", &defaultModel)
            try keys.key("allowed_models", &allowedModels)
        }
    }
}
