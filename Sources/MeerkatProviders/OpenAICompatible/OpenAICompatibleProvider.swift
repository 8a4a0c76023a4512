public import MeerkatCore
public import MeerkatJSON

/// Speaks Chat Completions, as llama.cpp, Ollama, vLLM, OpenRouter, Groq, Mistral, DeepSeek and others do.
///
/// Source: <https://platform.openai.com/docs/api-reference/chat>
public struct OpenAICompatibleProvider: HTTPProvider {
    public let connection: ProviderConnection

    /// Takes a connection; `/v1` is added to a base URL without a path.
    public init(_ connection: ProviderConnection) {
        self.connection = connection
    }

    public var wireFormat: WireFormat { .chatCompletions }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        ChatMessages(model: model).write(group, to: &writer)
    }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        try await connection.call(
            ChatRequest(request).http(to: connection.endpoint),
            decoding: ChatStreamDecoder(model: request.model, failure: connection.failure), into: sink)
    }

    /// The ids of the models that the server lists, in its order.
    public func models() async throws(ProviderError) -> [String] {
        let target = connection.endpoint
        let headers = target.key.map { [(name: "authorization", value: "Bearer \($0.value)")] } ?? []
        let base = target.base + (target.path.isEmpty ? "/v1" : "")
        return try await ModelList.models(
            at: base + "/models", headers: target.adding(to: headers), over: connection.transport)
    }
}
