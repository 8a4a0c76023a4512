/// What is known of models by their names.
public struct ModelCatalog: Sendable {
    /// A family of models.
    public struct Family: Sendable, Hashable {
        /// The beginning of its models' names, in lower case.
        public let prefix: String
        public let provider: String
        /// Tokens of a conversation, answer included.
        public let contextWindow: Int
        /// Most tokens of one answer.
        public let outputLimit: Int
    }

    /// The longest matching prefix decides.
    ///
    /// Source for Anthropic: <https://docs.anthropic.com/en/docs/about-claude/models/overview>
    public static let families = [
        Family(prefix: "claude-", provider: "anthropic", contextWindow: 200_000, outputLimit: 64_000),
        Family(prefix: "claude-3-", provider: "anthropic", contextWindow: 200_000, outputLimit: 4_096),
        Family(prefix: "claude-3-5-", provider: "anthropic", contextWindow: 200_000, outputLimit: 8_192),
        Family(prefix: "claude-3-7-", provider: "anthropic", contextWindow: 200_000, outputLimit: 64_000),
        Family(prefix: "claude-opus-4-", provider: "anthropic", contextWindow: 200_000, outputLimit: 32_000),
        Family(prefix: "claude-opus-4-5", provider: "anthropic", contextWindow: 200_000, outputLimit: 64_000),
        Family(prefix: "claude-opus-4-6", provider: "anthropic", contextWindow: 200_000, outputLimit: 128_000),
        Family(prefix: "gpt-", provider: "openai", contextWindow: 128_000, outputLimit: 16_384),
        Family(prefix: "o1-", provider: "openai", contextWindow: 200_000, outputLimit: 100_000),
        Family(prefix: "o3-", provider: "openai", contextWindow: 200_000, outputLimit: 100_000),
        Family(prefix: "chatgpt-", provider: "openai", contextWindow: 128_000, outputLimit: 16_384),
        Family(prefix: "gemini-", provider: "gemini", contextWindow: 1_048_576, outputLimit: 65_536),
    ]

    /// The family of a model, or nil for a name that says nothing.
    public static func family(of model: String) -> Family? {
        let name = model.lowercased()
        return families.filter { name.hasPrefix($0.prefix) }.max { $0.prefix.count < $1.prefix.count }
    }
}
