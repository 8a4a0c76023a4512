/// The key and the endpoint that are configured for a provider, and where each was found.
///
/// They belong together: the key goes to this provider's endpoint and nowhere else.
public struct Credentials: Sendable, Hashable {
    /// Where a value comes from.
    public enum Source: Sendable, Hashable {
        case configuration(ConfigPath)
        /// The variable of this name.
        case environment(String)
    }

    /// A value that may be secret; printed, only its source shows.
    public struct Found: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
        public var value: String
        public var source: Source

        /// Nil for an empty value, which counts as not set.
        init?(_ value: String?, _ source: Source) {
            guard let value = value?.trimmed, !value.isEmpty else { return nil }
            self.value = value
            self.source = source
        }

        public var description: String {
            switch source {
            case .configuration(let path): "from \(path)"
            case .environment(let name): "from \(name)"
            }
        }

        public var customMirror: Mirror { Mirror(self, children: ["source": source]) }
    }

    public var provider: String
    /// Nil asks for the provider's own endpoint, if it has one.
    public var baseURL: Found?
    public var key: Found?
}

extension Configuration {
    /// Looks up a provider in the configuration and in the given environment.
    ///
    /// The base URL comes from `providers.base_urls`, the provider's own table or `provider.base_url`, else from
    /// `RKAT_<P>_BASE_URL`, else from the vendor's variables. The key comes from the environment, `RKAT_<P>_API_KEY`
    /// before the vendor's, else from `providers.api_keys` or `provider.api_key`; but a key and a base URL that are both
    /// in the configuration belong together and are used together. A provider ``Providers/withoutKey`` gets none.
    public func credentials(for provider: String, in environment: [String: String]) -> Credentials {
        let name = Self.canonicalProvider(provider)
        let variables = ProviderVariables(of: name)
        let baseURL = configuredBaseURL(name) ?? Self.first(of: variables.baseURLs, in: environment)
        guard !providers.withoutKey.contains(name) else { return Credentials(provider: name, baseURL: baseURL) }
        let ownKey = Self.first(of: providers.definitions[name]?.apiKeyEnv.map { [$0] } ?? [], in: environment)
        let configuredKey = configuredKey(name)
        let environmentKey = Self.first(of: variables.keys, in: environment)
        let isPaired = if case .configuration = baseURL?.source { true } else { false }
        let key = ownKey ?? (isPaired ? configuredKey ?? environmentKey : environmentKey ?? configuredKey)
        return Credentials(provider: name, baseURL: baseURL, key: key)
    }

    /// The variables that hold keys of providers, whatever else may hold one.
    public var keyVariables: Set<String> {
        var names: Set<String> = []
        for provider in ProviderVariables.vendors.keys + providers.definitions.map(\.name) {
            names.formUnion(keyVariables(of: provider))
        }
        return names
    }

    /// The variables in which the key of a provider is looked for, the first that is set wins.
    public func keyVariables(of provider: String) -> [String] {
        let name = Self.canonicalProvider(provider)
        return (providers.definitions[name]?.apiKeyEnv.map { [$0] } ?? []) + ProviderVariables(of: name).keys
    }

    /// The name by which a provider is known here; `open_ai` and `open_a_i` are read for `openai`.
    public static func canonicalProvider(_ name: String) -> String {
        ["open_ai", "open_a_i"].contains(name) ? "openai" : name
    }

    private func configuredBaseURL(_ name: String) -> Credentials.Found? {
        Self.entry(name, of: providers.baseURLs, ["providers", "base_urls"])
            ?? Credentials.Found(
                providers.definitions[name]?.baseURL, .configuration(["providers", name, "base_url"]))
            ?? (self.provider.type.rawValue == name
                ? Credentials.Found(self.provider.baseURL, .configuration(["provider", "base_url"])) : nil)
    }

    private func configuredKey(_ name: String) -> Credentials.Found? {
        Self.entry(name, of: providers.apiKeys, ["providers", "api_keys"])
            ?? (self.provider.type.rawValue == name
                ? Credentials.Found(self.provider.apiKey, .configuration(["provider", "api_key"])) : nil)
    }

    private static func entry(
        _ name: String, of map: ConfigMap<String>?, _ path: ConfigPath
    ) -> Credentials.Found? {
        guard let map else { return nil }
        for (key, value) in map where canonicalProvider(key) == name {
            if let found = Credentials.Found(value, .configuration(path + key)) { return found }
        }
        return nil
    }

    private static func first(of names: [String], in environment: [String: String]) -> Credentials.Found? {
        for name in names {
            if let found = Credentials.Found(environment[name], .environment(name)) { return found }
        }
        return nil
    }
}

/// The environment variables of a provider, the first that is set wins.
struct ProviderVariables {
    var keys: [String]
    var baseURLs: [String]

    /// The variables that the vendors' own programs use, of every provider that is shipped.
    static let vendors: [String: (keys: [String], baseURLs: [String])] = [
        "anthropic": (["ANTHROPIC_API_KEY"], ["ANTHROPIC_BASE_URL"]),
        "openai": (["OPENAI_API_KEY"], ["OPENAI_BASE_URL"]),
        "gemini": (["GEMINI_API_KEY", "GOOGLE_API_KEY"], ["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"]),
        "openai_compatible": ([], ["RKAT_LOCAL_URL"]),
        "llama_cpp": (["LLAMA_API_KEY"], []),
        "ollama": ([], []),
        "vllm": (["VLLM_API_KEY"], []),
        "lm_studio": ([], []),
        "openrouter": (["OPENROUTER_API_KEY"], []),
        "groq": (["GROQ_API_KEY"], []),
        "mistral": (["MISTRAL_API_KEY"], []),
        "deepseek": (["DEEPSEEK_API_KEY"], []),
        "xai": (["XAI_API_KEY"], []),
        "azure_openai": (["AZURE_OPENAI_API_KEY"], []),
    ]

    init(of provider: String) {
        let word = String(provider.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        let vendor = Self.vendors[provider] ?? ([], [])
        keys = ["RKAT_\(word)_API_KEY"] + vendor.keys
        baseURLs = ["RKAT_\(word)_BASE_URL"] + vendor.baseURLs
    }
}

extension String {
    /// The text without white space around it.
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
