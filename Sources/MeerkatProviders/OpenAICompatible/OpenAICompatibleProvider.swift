public import MeerkatCore
public import MeerkatJSON

/// Speaks Chat Completions, as llama.cpp, Ollama, vLLM, OpenRouter, Groq, Mistral, DeepSeek and others do.
///
/// Source: <https://platform.openai.com/docs/api-reference/chat>
public struct OpenAICompatibleProvider: HTTPProvider {
    public let connection: ProviderConnection
    private let dialect: ChatDialect

    /// Takes a connection, `/v1` being added to a base URL without a path, and what is special about its server.
    public init(_ connection: ProviderConnection, _ definition: Configuration.ProviderDefinition = .init()) {
        self.connection = connection
        dialect = ChatDialect(definition)
    }

    public var wireFormat: WireFormat { .chatCompletions }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        ChatMessages(model: model, dialect: dialect).write(group, to: &writer)
    }

    public func warnings(for schema: OutputSchema) -> [SchemaWarning] {
        guard dialect.structuredOutput != .jsonSchema else { return [] }
        let message = "is told to the model in words only, because the provider does not enforce schemas"
        return [SchemaWarning(provider: name, path: "", message: message)]
    }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        let decoder = ChatStreamDecoder(
            model: request.model, tools: request.usesTools ? request.tools.map(\.name) : [], dialect: dialect,
            failure: connection.failure)
        return try await connection.call(
            ChatRequest(request, dialect).http(to: connection.endpoint), decoding: decoder,
            within: request.answerLimits, into: sink)
    }

    /// The ids of the models that the server lists, in its order.
    public func models() async throws(ProviderError) -> [String] {
        let target = connection.endpoint
        let base = target.base + (target.path.isEmpty ? "/v1" : "")
        return try await ModelList.models(
            at: base + "/models", headers: target.adding(to: dialect.keyHeaders(of: target)),
            over: connection.transport,
            clock: connection.clock)
    }
}
