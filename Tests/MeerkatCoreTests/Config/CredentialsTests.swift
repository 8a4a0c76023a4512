import MeerkatCore
import MeerkatJSON
import Testing

@Suite struct CredentialsTests {
    struct Example: Sendable {
        var provider = "anthropic"
        var configuration: JSONValue = [:]
        var environment: [String: String] = [:]
        var url: String?
        var key: String?
    }

    static let examples = [
        Example(),
        Example(environment: ["ANTHROPIC_API_KEY": "k"], key: "k ANTHROPIC_API_KEY"),
        Example(
            environment: ["ANTHROPIC_API_KEY": "k", "RKAT_ANTHROPIC_API_KEY": " r\n"], key: "r RKAT_ANTHROPIC_API_KEY"),
        Example(environment: ["ANTHROPIC_API_KEY": "k", "RKAT_ANTHROPIC_API_KEY": ""], key: "k ANTHROPIC_API_KEY"),
        Example(environment: ["ANTHROPIC_API_KEY": " "]),
        Example(environment: ["OPENAI_API_KEY": "k"]),
        Example(provider: "open_ai", environment: ["OPENAI_API_KEY": "k"], key: "k OPENAI_API_KEY"),
        Example(
            provider: "gemini", environment: ["GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": "https://g"],
            url: "https://g GOOGLE_GEMINI_BASE_URL", key: "k GOOGLE_API_KEY"),
        Example(
            environment: ["ANTHROPIC_BASE_URL": "https://v", "RKAT_ANTHROPIC_BASE_URL": "https://r"],
            url: "https://r RKAT_ANTHROPIC_BASE_URL"),
        Example(
            configuration: ["providers": ["base_urls": ["anthropic": "https://c"]]],
            environment: ["RKAT_ANTHROPIC_BASE_URL": "https://r", "ANTHROPIC_API_KEY": "k"],
            url: "https://c providers.base_urls.anthropic", key: "k ANTHROPIC_API_KEY"),
        // A key of the configuration goes with its endpoint …
        Example(
            configuration: ["providers": ["base_urls": ["anthropic": "https://c"], "api_keys": ["anthropic": "c"]]],
            environment: ["ANTHROPIC_API_KEY": "k"], url: "https://c providers.base_urls.anthropic",
            key: "c providers.api_keys.anthropic"),
        // … and without one, the environment is asked first.
        Example(
            configuration: ["providers": ["api_keys": ["anthropic": "c"]]], environment: ["ANTHROPIC_API_KEY": "k"],
            key: "k ANTHROPIC_API_KEY"),
        Example(
            configuration: ["providers": ["api_keys": ["anthropic": "c"]]], key: "c providers.api_keys.anthropic"),
        Example(
            configuration: ["provider": ["api_key": "p", "base_url": "https://p"]], url: "https://p provider.base_url",
            key: "p provider.api_key"),
        Example(provider: "openai", configuration: ["provider": ["api_key": "p", "base_url": "https://p"]]),
        Example(
            provider: "openai", configuration: ["providers": ["base_urls": ["open_ai": "https://o"]]],
            url: "https://o providers.base_urls.open_ai"),
        Example(
            provider: "openai_compatible",
            environment: ["RKAT_LOCAL_URL": "http://localhost:1", "OPENAI_API_KEY": "k"],
            url: "http://localhost:1 RKAT_LOCAL_URL"),
        Example(
            provider: "openai_compatible",
            environment: ["RKAT_LOCAL_URL": "http://l", "RKAT_OPENAI_COMPATIBLE_BASE_URL": "http://o"],
            url: "http://o RKAT_OPENAI_COMPATIBLE_BASE_URL"),
        Example(provider: "groq", environment: ["GROQ_API_KEY": "k"], key: "k GROQ_API_KEY"),
        Example(
            provider: "azure_openai",
            configuration: ["providers": ["azure_openai": ["base_url": "https://a", "api_key_env": "MINE"]]],
            environment: ["MINE": "m", "AZURE_OPENAI_API_KEY": "k"], url: "https://a providers.azure_openai.base_url",
            key: "m MINE"),
        Example(
            provider: "my-corp",
            configuration: [
                "providers": ["my-corp": ["kind": "openai", "base_url": "https://m", "api_key_env": "MINE"]]
            ],
            environment: ["MINE": "m", "OPENAI_API_KEY": "k", "RKAT_MY_CORP_API_KEY": "r"],
            url: "https://m providers.my-corp.base_url", key: "m MINE"),
        Example(
            provider: "my-corp",
            configuration: ["providers": ["my-corp": ["kind": "openai", "base_url": "https://m"]]],
            environment: ["OPENAI_API_KEY": "k", "RKAT_MY_CORP_API_KEY": "r"],
            url: "https://m providers.my-corp.base_url", key: "r RKAT_MY_CORP_API_KEY"),
    ]

    @Test(arguments: examples)
    func keysAndEndpointsAreFoundInOrder(example: Example) throws {
        let configuration = try Configuration(config: example.configuration)
        let credentials = configuration.credentials(for: example.provider, in: example.environment)
        #expect(credentials.baseURL.map(described) == example.url)
        #expect(credentials.key.map(described) == example.key)
    }

    private func described(_ found: Credentials.Found) -> String {
        switch found.source {
        case .configuration(let path): "\(found.value) \(path)"
        case .environment(let name): "\(found.value) \(name)"
        }
    }

    @Test func keysOfAllProvidersAreKnown() throws {
        let configuration = try Configuration(config: ["providers": ["my-corp": ["api_key_env": "MINE"]]])
        #expect(
            configuration.keyVariables.isSuperset(of: [
                "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY", "RKAT_XAI_API_KEY", "MINE",
                "RKAT_MY_CORP_API_KEY",
            ]))
        #expect(configuration.keyVariables(of: "my-corp") == ["MINE", "RKAT_MY_CORP_API_KEY"])
    }

    @Test func printingACredentialDoesNotShowIt() {
        let credentials = Configuration().credentials(for: "anthropic", in: ["ANTHROPIC_API_KEY": "sk-secret"])
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!"\(credentials) \(String(reflecting: credentials)) \(dumped)".contains("sk-secret"))
    }
}
