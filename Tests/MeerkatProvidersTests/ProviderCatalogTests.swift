import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct ProviderCatalogTests {
    /// The shipped providers: name, base URL, vendor's key variables, and the keys of the definition.
    static let shipped: [(name: String, url: String?, variables: [String], switches: JSONObject)] = [
        ("anthropic", "https://api.anthropic.com", ["ANTHROPIC_API_KEY"], ["kind": "anthropic"]),
        ("openai", "https://api.openai.com", ["OPENAI_API_KEY"], ["kind": "openai"]),
        (
            "gemini", "https://generativelanguage.googleapis.com", ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            ["kind": "gemini"]
        ),
        ("openai_compatible", nil, [], [:]),
        ("llama_cpp", "http://127.0.0.1:8080/v1", ["LLAMA_API_KEY"], ["parallel_tool_calls": true]),
        ("ollama", "http://127.0.0.1:11434/v1", [], [:]),
        ("vllm", "http://127.0.0.1:8000/v1", ["VLLM_API_KEY"], [:]),
        ("lm_studio", "http://127.0.0.1:1234/v1", [], [:]),
        ("openrouter", "https://openrouter.ai/api/v1", ["OPENROUTER_API_KEY"], ["reasoning_field": "reasoning"]),
        (
            "groq", "https://api.groq.com/openai/v1", ["GROQ_API_KEY"],
            ["max_tokens_field": "max_completion_tokens", "reasoning_field": "none"]
        ),
        (
            "mistral", "https://api.mistral.ai/v1", ["MISTRAL_API_KEY"],
            ["tool_call_id": "alphanumeric_9", "reasoning_field": "none", "usage_in_stream": false]
        ),
        (
            "deepseek", "https://api.deepseek.com/v1", ["DEEPSEEK_API_KEY"],
            ["reasoning_field": "reasoning_content", "reasoning_required": true, "structured_output": "json_object"]
        ),
        (
            "xai", "https://api.x.ai/v1", ["XAI_API_KEY"],
            ["max_tokens_field": "max_completion_tokens", "reasoning_field": "none"]
        ),
        (
            "azure_openai", nil, ["AZURE_OPENAI_API_KEY"],
            ["api_key_header": "api-key", "max_tokens_field": "max_completion_tokens"]
        ),
    ]

    @Test func theShippedOnesAreTheKnownOnes() {
        #expect(ProviderCatalog.rows.map(\.name) == Self.shipped.map(\.name))
    }

    @Test(arguments: shipped.indices)
    func aShippedProvider(_ index: Int) throws {
        let (name, url, variables, switches) = Self.shipped[index]
        let definition = try #require(ProviderCatalog.definition(of: name, over: nil))
        var expected: JSONObject = ["kind": "openai_compatible"]
        if let url { expected["base_url"] = .string(url) }
        expected["models"] = []
        for member in switches.members { expected[member.name] = member.value }
        #expect(definition.object == expected)

        let own = "RKAT_\(name.uppercased())_API_KEY"
        #expect(Configuration().keyVariables(of: name) == [own] + variables)
        for variable in [own] + variables {
            let credentials = Configuration().credentials(for: name, in: [variable: "k"])
            #expect(credentials.key?.source == .environment(variable))
            #expect(Configuration().keyVariables.contains(variable))
        }

        let endpoint = try Endpoint(url ?? "https://host.example/v1", key: nil)
        let formats: [String: WireFormat] = [
            "anthropic": .anthropicMessages, "openai": .openAIResponses, "gemini": .geminiGenerateContent,
        ]
        let provider = ProviderCatalog.provider(ProviderConnection(endpoint), definition)
        #expect(provider.wireFormat == formats[name] ?? .chatCompletions)
        #expect(ProviderCatalog.wantsKey(name) == (url?.hasPrefix("https:") ?? (name == "azure_openai")))
    }

    @Test func aTableStandsOverTheShippedDefinition() throws {
        let own = try Configuration.ProviderDefinition(
            config: ["base_url": "http://127.0.0.1:9", "reasoning_required": false, "models": ["m"], "note": "n"])
        let definition = try #require(ProviderCatalog.definition(of: "deepseek", over: own))
        #expect(
            definition.object == [
                "kind": "openai_compatible", "base_url": "http://127.0.0.1:9", "models": ["m"],
                "reasoning_field": "reasoning_content", "reasoning_required": false,
                "structured_output": "json_object", "note": "n",
            ])
    }

    @Test func aNameOfTheUsersOwnNeedsATable() throws {
        let own = try Configuration.ProviderDefinition(config: ["base_url": "https://corp.example"])
        #expect(ProviderCatalog.definition(of: "corp", over: nil) == nil)
        #expect(
            ProviderCatalog.definition(of: "corp", over: own)?.object == [
                "kind": "openai_compatible", "base_url": "https://corp.example", "models": [],
            ])
    }

    @Test func whatIsShippedIsSentInItsDialect() throws {
        let definition = try #require(ProviderCatalog.definition(of: "mistral", over: nil))
        let request = ModelRequest(
            model: "mistral-large", maxTokens: 5, instructions: "", history: RenderedHistory(chunks: []))
        let http = ChatRequest(request, ChatDialect(definition)).http(
            to: try Endpoint(definition.baseURL ?? "", key: nil))
        #expect(http.url == "https://api.mistral.ai/v1/chat/completions")
        #expect(http.text == #"{"model":"mistral-large","stream":true,"max_tokens":5,"messages":[]}"#)
    }
}
