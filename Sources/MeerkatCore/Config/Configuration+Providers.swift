public import MeerkatJSON

extension Configuration {
    /// Key and endpoint of one built-in provider.
    public struct DefaultProvider: ConfigSection {
        public enum Name: String, ConfigChoice {
            case anthropic, openai, gemini

            public static let aliases: [String: Name] = ["open_ai": .openai, "open_a_i": .openai]
        }

        public var type = Name.anthropic
        public var apiKey: String?
        public var baseURL: String?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("type", &type)
            try keys.key("api_key", &apiKey)
            try keys.key("base_url", &baseURL)
        }
    }

    /// Endpoints and keys, and providers of the user's own.
    public struct Providers: ConfigSection {
        public var baseURLs: ConfigMap<String>?
        public var apiKeys: ConfigMap<String>?
        /// Whether a server on this machine is looked for when nothing else is configured.
        public var local = true
        /// Hosts that may be spoken to without encryption, besides this machine.
        public var allowHTTP: [String] = []
        /// The tables `[providers.NAME]`.
        public var definitions: ConfigMap<ProviderDefinition> = [:]
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("base_urls", &baseURLs)
            try keys.key("api_keys", &apiKeys)
            try keys.key("local", &local)
            try keys.key("allow_http", &allowHTTP)
            try keys.otherTables(&definitions)
        }
    }

    /// The wire format of a provider.
    public enum ProviderKind: String, ConfigChoice {
        case anthropic, openai, gemini
        case openaiCompatible = "openai_compatible"

        public static let aliases: [String: ProviderKind] = ["open_ai": .openai, "open_a_i": .openai]
    }

    /// A provider under a name of the user's choice.
    public struct ProviderDefinition: ConfigSection {
        /// Unset: that of the built-in provider with the same name, else `openai_compatible`.
        public var kind: ProviderKind?
        public var baseURL: String?
        /// The environment variable that holds the key.
        public var apiKeyEnv: String?
        /// The models it serves; the first is its default.
        public var models: [String] = []
        /// Sent with every request.
        public var headers: ConfigMap<String>?
        /// Most model calls that go on at a time, over all sessions of a process.
        public var maxConcurrent: Int?
        /// What models cost, by their names.
        public var prices: ConfigMap<Price> = [:]
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("kind", &kind, nilAs: .omitted)
            try keys.key("base_url", &baseURL, nilAs: .omitted)
            try keys.key("api_key_env", &apiKeyEnv, nilAs: .omitted)
            try keys.key("models", &models)
            try keys.key("headers", &headers, nilAs: .omitted)
            try keys.key("max_concurrent", &maxConcurrent, 1...Int(UInt32.max), nilAs: .omitted)
            try keys.key("prices", &prices)
        }
    }

    /// What a model's tokens cost, in US dollars per million.
    public struct Price: ConfigSection {
        public var input: USDollars?
        public var output: USDollars?
        public var cacheRead: USDollars?
        public var cacheWrite: USDollars?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("input", &input, nilAs: .omitted)
            try keys.key("output", &output, nilAs: .omitted)
            try keys.key("cache_read", &cacheRead, nilAs: .omitted)
            try keys.key("cache_write", &cacheWrite, nilAs: .omitted)
        }

        /// The prices of one token each; nil unless those of input and output are both given.
        public var price: ModelPrice? {
            guard let input = input?.perMillionth, let output = output?.perMillionth else { return nil }
            return ModelPrice(
                ModelPrice.Rates(
                    input: input, output: output, cacheRead: cacheRead?.perMillionth,
                    cacheWrite: cacheWrite?.perMillionth))
        }
    }
}
