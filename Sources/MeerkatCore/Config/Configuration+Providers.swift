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
        /// Whether a server that listens on this machine is used when nothing else is configured.
        public var local = false
        /// Hosts that may be spoken to without encryption, besides this machine.
        public var allowHTTP: [String] = []
        /// The tables `[providers.NAME]`.
        public var definitions: ConfigMap<ProviderDefinition> = [:]
        /// Providers that get no key, because a project that nobody trusts says where they are; not a setting.
        public var withoutKey: Set<String> = []
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
}
