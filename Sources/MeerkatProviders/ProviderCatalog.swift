public import MeerkatCore
internal import MeerkatIO

/// The providers that are known without configuration, and how providers are made.
public struct ProviderCatalog: Sendable {
    public typealias Definition = Configuration.ProviderDefinition

    /// A provider that is known by its name.
    ///
    /// The variables of its key are those of ``MeerkatCore/Configuration/keyVariables(of:)``.
    public struct Row: Sendable, Hashable {
        public let name: String
        /// Without a base URL when the user must name one.
        public let definition: Definition

        init(
            _ name: String, _ baseURL: String?, kind: Configuration.ProviderKind = .openaiCompatible,
            _ change: (inout Definition) -> Void = { _ in }
        ) {
            var definition = Definition()
            definition.kind = kind
            definition.baseURL = baseURL
            change(&definition)
            self.name = name
            self.definition = definition
        }
    }

    /// What is shipped; looked up in September 2026.
    public static let rows = [
        // https://docs.anthropic.com/en/api/messages
        Row("anthropic", "https://api.anthropic.com", kind: .anthropic),
        // https://platform.openai.com/docs/api-reference/responses
        Row("openai", "https://api.openai.com", kind: .openai),
        // https://ai.google.dev/api/generate-content
        Row("gemini", "https://generativelanguage.googleapis.com", kind: .gemini),
        Row("openai_compatible", nil),
        // https://github.com/ggml-org/llama.cpp/tree/master/tools/server
        Row("llama_cpp", "http://127.0.0.1:8080/v1") { $0.parallelToolCalls = true },
        // https://docs.ollama.com/api/openai-compatibility
        Row("ollama", "http://127.0.0.1:11434/v1"),
        // https://docs.vllm.ai/en/stable/serving/openai_compatible_server
        Row("vllm", "http://127.0.0.1:8000/v1"),
        // https://lmstudio.ai/docs/developer/openai-compat
        Row("lm_studio", "http://127.0.0.1:1234/v1"),
        // https://openrouter.ai/docs/api-reference/overview
        Row("openrouter", "https://openrouter.ai/api/v1") { $0.reasoningField = .reasoning },
        // https://console.groq.com/docs/openai; members that it does not know are refused
        Row("groq", "https://api.groq.com/openai/v1") {
            $0.maxTokensField = .maxCompletionTokens
            $0.reasoningField = .nowhere
        },
        // https://docs.mistral.ai/api; members that it does not know are refused
        Row("mistral", "https://api.mistral.ai/v1") {
            $0.usageInStream = false
            $0.toolCallID = .alphanumeric9
            $0.reasoningField = .nowhere
        },
        // https://api-docs.deepseek.com/guides/thinking_mode
        Row("deepseek", "https://api.deepseek.com/v1") {
            $0.reasoningField = .reasoningContent
            $0.reasoningRequired = true
            $0.structuredOutput = .jsonObject
        },
        // https://docs.x.ai/docs/api-reference
        Row("xai", "https://api.x.ai/v1") {
            $0.maxTokensField = .maxCompletionTokens
            $0.reasoningField = .nowhere
        },
        // https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle; the host is the user's own
        Row("azure_openai", nil) {
            $0.apiKeyHeader = "api-key"
            $0.maxTokensField = .maxCompletionTokens
        },
    ]

    /// The shipped definition with the user's over it, always with a kind; nil when there is neither.
    public static func definition(of name: String, over own: Definition?) -> Definition? {
        let shipped = rows.first { $0.name == name }?.definition
        guard var definition = shipped ?? own else { return nil }
        if let own { definition = definition.merging(own) }
        definition.kind = definition.kind ?? Configuration.ProviderKind(rawValue: name) ?? .openaiCompatible
        return definition
    }

    /// Whether a provider is a service that is of no use without a key.
    public static func wantsKey(_ name: String) -> Bool {
        guard let definition = rows.first(where: { $0.name == name })?.definition else { return false }
        return definition.apiKeyHeader != nil || definition.baseURL?.hasPrefix("https:") ?? false
    }

    /// Whether a base URL is on the host of the shipped provider.
    public static func isOwn(_ url: String, of name: String) -> Bool {
        let own = rows.first { $0.name == name }?.definition.baseURL
        return own.flatMap { URLLocation($0)?.host } == URLLocation(url)?.host
    }

    /// A provider of the definition's kind.
    public static func provider(_ connection: ProviderConnection, _ definition: Definition) -> any ModelProvider {
        switch definition.kind ?? .openaiCompatible {
        case .anthropic: AnthropicProvider(connection)
        case .openaiCompatible: OpenAICompatibleProvider(connection, definition)
        case .openai: OpenAIProvider(connection)
        case .gemini: GeminiProvider(connection)
        }
    }
}
