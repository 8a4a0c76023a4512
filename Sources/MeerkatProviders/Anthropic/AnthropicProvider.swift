public import MeerkatCore
public import MeerkatJSON

/// Speaks the Anthropic Messages API.
///
/// Source: <https://docs.anthropic.com/en/api/messages>
public struct AnthropicProvider: HTTPProvider {
    public let connection: ProviderConnection

    /// Takes a connection whose base URL may end in `/v1`.
    public init(_ connection: ProviderConnection) {
        self.connection = connection
    }

    public var wireFormat: WireFormat { .anthropicMessages }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        AnthropicMessages(model: model).write(group, to: &writer)
    }

    public func warnings(for schema: OutputSchema) -> [SchemaWarning] { AnthropicSchema(schema.schema).warnings }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        try await connection.call(
            AnthropicRequest(request).http(to: connection.endpoint),
            decoding: AnthropicStreamDecoder(model: request.model, failure: connection.failure),
            within: request.answerLimits, into: sink)
    }
}
