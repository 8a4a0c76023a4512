public import MeerkatJSON

extension Configuration {
    /// A provider under a name of the user's choice, or what differs from the shipped one of that name.
    ///
    /// What servers of Chat Completions differ in comes last; unset, a key is what the shipped definition says, else
    /// what most servers understand.
    public struct ProviderDefinition: ConfigSection {
        /// The role in which instructions are sent.
        public enum SystemRole: String, ConfigChoice {
            case system, developer, user
        }

        /// The name of the limit on an answer.
        public enum LimitField: String, ConfigChoice {
            case maxTokens = "max_tokens"
            case maxCompletionTokens = "max_completion_tokens"
        }

        /// Where a server is shown again what its model thought.
        public enum ReasoningField: String, ConfigChoice {
            case reasoningContent = "reasoning_content"
            case reasoning, thinking
            case nowhere = "none"
        }

        /// How a server is asked for an answer in a schema.
        public enum StructuredOutput: String, ConfigChoice {
            case jsonSchema = "json_schema"
            case jsonObject = "json_object"
            /// Not at all: the schema is part of the instructions.
            case byPrompt = "none"
        }

        /// What ids of tool calls a server accepts.
        public enum ToolCallID: String, ConfigChoice {
            case any
            /// Nine letters and digits.
            case alphanumeric9 = "alphanumeric_9"
        }

        /// Unset: that of the built-in provider with the same name, else `openai_compatible`.
        public var kind: ProviderKind?
        public var baseURL: String?
        /// The environment variable that holds the key.
        public var apiKeyEnv: String?
        /// The models it serves; the first is its default.
        public var models: [String] = []
        /// Sent with every request.
        public var headers: ConfigMap<String>?
        /// Calls that may be under way at once; unset, as many as there are.
        public var maxConcurrent: Int?
        /// By the models' names.
        public var prices: ConfigMap<TokenPrices>?

        /// The header that holds the key; unset, or `authorization`, the key is a bearer token.
        public var apiKeyHeader: String?
        public var systemRole: SystemRole?
        public var maxTokensField: LimitField?
        /// Sent along with tools when it is set.
        public var parallelToolCalls: Bool?
        public var toolCallID: ToolCallID?
        /// Whether tool calls are looked for in the text of answers.
        public var toolCallText: Bool?
        /// Whether an answer that begins with `<think>` begins with reasoning.
        public var thinkTags: Bool?
        /// Unset: where the reasoning came from.
        public var reasoningField: ReasoningField?
        /// Whether answers with tool calls are refused when there is no reasoning with them, if only an empty one.
        public var reasoningRequired: Bool?
        public var structuredOutput: StructuredOutput?
        /// Whether usage is asked for with `stream_options`.
        public var usageInStream: Bool?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("kind", &kind, nilAs: .omitted)
            try keys.key("base_url", &baseURL, nilAs: .omitted)
            try keys.key("api_key_env", &apiKeyEnv, nilAs: .omitted)
            try keys.key("models", &models)
            try keys.key("headers", &headers, nilAs: .omitted)
            try keys.key("max_concurrent", &maxConcurrent, 1...Int(UInt32.max), nilAs: .omitted)
            try keys.key("prices", &prices, nilAs: .omitted) { prices in
                let isComplete = prices?.allSatisfy { $0.value.price != nil } ?? true
                return isComplete ? nil : "must give input and output of every model"
            }
            try keys.key("api_key_header", &apiKeyHeader, nilAs: .omitted) { name in
                name.map(Self.isHeaderName) ?? true ? nil : "must be the name of a header"
            }
            try keys.key("system_role", &systemRole, nilAs: .omitted)
            try keys.key("max_tokens_field", &maxTokensField, nilAs: .omitted)
            try keys.key("parallel_tool_calls", &parallelToolCalls, nilAs: .omitted)
            try keys.key("tool_call_id", &toolCallID, nilAs: .omitted)
            try keys.key("tool_call_text", &toolCallText, nilAs: .omitted)
            try keys.key("think_tags", &thinkTags, nilAs: .omitted)
            try keys.key("reasoning_field", &reasoningField, nilAs: .omitted)
            try keys.key("reasoning_required", &reasoningRequired, nilAs: .omitted)
            try keys.key("structured_output", &structuredOutput, nilAs: .omitted)
            try keys.key("usage_in_stream", &usageInStream, nilAs: .omitted)
        }

        private static func isHeaderName(_ name: String) -> Bool {
            !name.isEmpty
                && name.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }

        /// What the configuration says a model costs; nil when it does not say.
        public func price(of model: String) -> ModelPrice? { prices?[model]?.price }
    }

    /// US dollars for a million tokens each.
    public struct TokenPrices: ConfigSection {
        public var input: USDollars?
        public var output: USDollars?
        public var cacheRead: USDollars?
        public var cacheWrite: USDollars?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("input", &input, nilAs: .omitted, check: Self.problem)
            try keys.key("output", &output, nilAs: .omitted, check: Self.problem)
            try keys.key("cache_read", &cacheRead, nilAs: .omitted, check: Self.problem)
            try keys.key("cache_write", &cacheWrite, nilAs: .omitted, check: Self.problem)
        }

        private static let tokens: UInt64 = 1_000_000

        /// One token must have an exact price too.
        private static func problem(_ price: USDollars?) -> String? {
            (price?.picodollars ?? 0) % tokens == 0 ? nil : "must have at most 6 decimals"
        }

        /// Nil unless the prices of input and of output are given.
        public var price: ModelPrice? {
            func ofOne(_ price: USDollars) -> USDollars { USDollars(picodollars: price.picodollars / Self.tokens) }
            guard let input, let output else { return nil }
            return ModelPrice(
                ModelPrice.Rates(
                    input: ofOne(input), output: ofOne(output), cacheRead: cacheRead.map(ofOne),
                    cacheWrite: cacheWrite.map(ofOne)))
        }
    }
}
