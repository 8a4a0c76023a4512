public import MeerkatJSON

extension Configuration {
    /// What one session may use; `limits` holds the same under its older names.
    public struct Budget: ConfigSection {
        public var maxTokens: Int?
        public var maxDuration: Duration?
        public var maxToolCalls: Int?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("max_tokens", &maxTokens, 0...Int.max)
            try keys.key("max_duration", &maxDuration)
            try keys.key("max_tool_calls", &maxToolCalls, 0...Int.max)
        }
    }

    /// What a session and the process may use.
    public struct Limits: ConfigSection {
        /// Most tokens of a session.
        public var budget: Int?
        /// Longest run.
        public var maxDuration: Duration?
        /// Most that a session may cost, in US dollars.
        public var maxCost: USDollars?
        public var maxOpenSessions = 10_000
        /// Memory for idle sessions; beyond it the least recently used are unloaded.
        public var loadedBytes = 256 << 20
        /// Most bytes of one model answer, decompressed.
        public var maxAnswerBytes = 64 << 20
        /// Most tool calls in one model answer.
        public var maxAnswerToolCalls = 256
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("budget", &budget, 0...Int.max)
            try keys.key("max_duration", &maxDuration)
            try keys.key("max_cost_usd", &maxCost)
            try keys.key("max_open_sessions", &maxOpenSessions, 1...Int.max)
            try keys.key("loaded_bytes", &loadedBytes, 0...Int.max)
            try keys.key("max_answer_bytes", &maxAnswerBytes, 1...Int.max)
            try keys.key("max_answer_tool_calls", &maxAnswerToolCalls, 1...Int.max)
        }
    }

    /// How failed model calls are repeated.
    public struct Retry: ConfigSection {
        /// Attempts after the first.
        public var maxRetries = 3
        public var initialDelay = Duration.milliseconds(500)
        public var maxDelay = Duration.seconds(30)
        public var multiplier = 2.0
        /// Shortest wait after a 429 that does not say how long to wait.
        public var rateLimitFloor = Duration.seconds(5)
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("max_retries", &maxRetries, 0...Int(UInt32.max))
            try keys.key("initial_delay", &initialDelay)
            try keys.key("max_delay", &maxDelay)
            try keys.key("multiplier", &multiplier, 1...1000)
            try keys.key("rate_limit_floor", &rateLimitFloor)
        }
    }

    /// How long a model call may be silent.
    public struct Timeouts: ConfigSection {
        public var connect = Duration.seconds(30)
        /// From the request to the first byte of the answer.
        public var firstToken = Duration.seconds(600)
        /// Between two parts of the answer.
        public var idle = Duration.seconds(300)
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("connect", &connect)
            try keys.key("first_token", &firstToken)
            try keys.key("idle", &idle)
        }
    }
}
