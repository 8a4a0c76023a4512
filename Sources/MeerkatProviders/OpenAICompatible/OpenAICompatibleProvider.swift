public import MeerkatCore
public import MeerkatIO
public import MeerkatJSON

/// Speaks Chat Completions, as llama.cpp, Ollama, vLLM, OpenRouter, Groq, Mistral, DeepSeek and others do.
///
/// Source: <https://platform.openai.com/docs/api-reference/chat>
public struct OpenAICompatibleProvider: ModelProvider {
    public let name: String
    private let target: Endpoint
    private let transport: any HTTPTransport
    private let clock: any RuntimeClock

    /// - Parameters:
    ///   - name: As it stands in the configuration.
    ///   - endpoint: The base URL, to which `/v1` is added when it has no path, and its key if it wants one.
    ///   - transport: Sends the requests.
    ///   - clock: Measures how long a finished answer's connection is kept, and dates in `Retry-After`.
    public init(
        name: String = "openai_compatible", endpoint: Endpoint, transport: any HTTPTransport, clock: any RuntimeClock
    ) {
        self.name = name
        target = endpoint
        self.transport = transport
        self.clock = clock
    }

    public var endpoint: String { target.host }
    public var wireFormat: WireFormat { .chatCompletions }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        ChatMessages(model: model).write(group, to: &writer)
    }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        let decoder = ChatStreamDecoder(model: request.model, failure: ProviderFailure(key: target.key))
        return try await ModelExchange(decoder, sink: sink, key: target.key, clock: clock)
            .run(ChatRequest(request).http(to: target), over: transport)
    }

    /// The ids of the models that the server lists, in its order.
    public func models() async throws(ProviderError) -> [String] {
        let headers = target.key.map { [(name: "authorization", value: "Bearer \($0.value)")] } ?? []
        let base = target.base + (target.path.isEmpty ? "/v1" : "")
        return try await ModelList.models(at: base + "/models", headers: target.adding(to: headers), over: transport)
    }
}
