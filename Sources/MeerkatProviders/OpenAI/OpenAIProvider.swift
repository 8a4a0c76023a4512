public import MeerkatCore
public import MeerkatJSON

/// Speaks the OpenAI Responses API.
///
/// Nothing is kept on the server: each call brings the whole conversation, with what the model thought in it.
///
/// Source: <https://platform.openai.com/docs/api-reference/responses>
public struct OpenAIProvider: HTTPProvider {
    public let connection: ProviderConnection

    /// Takes a connection whose base URL may end in a version, such as `/v1`.
    public init(_ connection: ProviderConnection) {
        self.connection = connection
    }

    public var wireFormat: WireFormat { .openAIResponses }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        OpenAIItems(model: model).write(group, to: &writer)
    }

    public func warnings(for schema: OutputSchema) -> [SchemaWarning] { OpenAISchema(schema).warnings }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        try await connection.call(
            OpenAIRequest(request).http(to: connection.endpoint),
            decoding: OpenAIStreamDecoder(model: request.model, failure: connection.failure), into: sink)
    }
}
