public import MeerkatCore
public import MeerkatIO
public import MeerkatJSON

/// Speaks the Anthropic Messages API.
///
/// Source: <https://docs.anthropic.com/en/api/messages>
public struct AnthropicProvider: ModelProvider {
    public let name: String
    private let target: Endpoint
    private let transport: any HTTPTransport
    private let clock: any RuntimeClock

    /// - Parameters:
    ///   - name: As it stands in the configuration.
    ///   - endpoint: The base URL with or without `/v1`, and its key.
    ///   - transport: Sends the requests.
    ///   - clock: Measures how long a finished answer's connection is kept, and dates in `Retry-After`.
    public init(
        name: String = "anthropic", endpoint: Endpoint, transport: any HTTPTransport, clock: any RuntimeClock
    ) {
        self.name = name
        target = endpoint
        self.transport = transport
        self.clock = clock
    }

    public var endpoint: String { target.host }
    public var wireFormat: WireFormat { .anthropicMessages }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        AnthropicMessages(model: model).write(group, to: &writer)
    }

    public func warnings(for schema: OutputSchema) -> [SchemaWarning] { AnthropicSchema(schema.schema).warnings }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        let decoder = AnthropicStreamDecoder(model: request.model, failure: ProviderFailure(key: target.key))
        return try await ModelExchange(decoder, sink: sink, key: target.key, clock: clock)
            .run(AnthropicRequest(request).http(to: target), over: transport)
    }
}
