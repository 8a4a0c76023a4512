public import MeerkatCore
public import MeerkatJSON

/// Speaks the Gemini API.
///
/// Source: <https://ai.google.dev/api/generate-content>
public struct GeminiProvider: HTTPProvider {
    public let connection: ProviderConnection

    /// Takes a connection whose base URL may end in the API's version; without one it is `v1beta`.
    public init(_ connection: ProviderConnection) {
        self.connection = connection
    }

    /// Source: <https://ai.google.dev/gemini-api/docs/image-understanding>, which names no GIF.
    public var imageTypes: Set<Image.MediaType> { [.png, .jpeg, .webp] }

    public var wireFormat: WireFormat { .geminiGenerateContent }

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        GeminiContents(model: model).write(group, to: &writer)
    }

    public func warnings(for schema: OutputSchema) -> [SchemaWarning] { GeminiSchema(schema.schema).warnings }

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        try await connection.call(
            GeminiRequest(request).http(to: connection.endpoint),
            decoding: GeminiStreamDecoder(model: request.model, failure: connection.failure),
            within: request.answerLimits, into: sink)
    }
}
