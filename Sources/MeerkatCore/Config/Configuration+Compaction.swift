public import MeerkatJSON

extension Configuration {
    /// When and how long conversations are summarized.
    public struct Compaction: ConfigSection {
        /// Conversations that are too long are summarized by themselves.
        public var isEnabled = true
        /// Input tokens of a model call, counted or estimated, from which on a conversation is too long.
        public var threshold = 100_000
        /// Prompts that are kept word for word, with what follows them.
        public var recentTurns = 4
        public var maxSummaryTokens = 4096
        /// Answers between two summaries.
        public var minTurnsBetween = 3
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("enabled", &isEnabled)
            try keys.key("auto_compact_threshold", &threshold, 1...Int.max)
            try keys.key("recent_turn_budget", &recentTurns, 0...Int.max)
            try keys.key("max_summary_tokens", &maxSummaryTokens, 1...Int(UInt32.max))
            try keys.key("min_turns_between_compactions", &minTurnsBetween, 0...Int.max)
        }
    }
}
