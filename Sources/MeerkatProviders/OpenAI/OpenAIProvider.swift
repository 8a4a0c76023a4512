public import MeerkatCore
public import MeerkatJSON
internal import Synchronization

/// Speaks the OpenAI Responses API.
///
/// Nothing is kept on the server: each call brings the whole conversation, with what the model thought in it.
///
/// Source: <https://platform.openai.com/docs/api-reference/responses>
public struct OpenAIProvider: HTTPProvider {
    public let connection: ProviderConnection
    private let account = Account()

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
        let wantsSummary = request.profile.reasons == true && !account.isWithoutSummaries
        do throws(ProviderError) {
            return try await call(request, wantsSummary: wantsSummary, sink)
        } catch {
            // Accounts that are not verified may not see what a model thinks, and only the refusal tells.
            guard wantsSummary, error.status == 400, error.parameter == "reasoning.summary" else { throw error }
            account.losesSummaries()
            return try await call(request, wantsSummary: false, sink)
        }
    }

    private func call(
        _ request: ModelRequest, wantsSummary: Bool, _ sink: any ModelSink
    ) async throws(ProviderError) -> ModelAnswer {
        try await connection.call(
            OpenAIRequest(request, wantsSummary: wantsSummary).http(to: connection.endpoint),
            decoding: OpenAIStreamDecoder(model: request.model, failure: connection.failure),
            within: request.answerLimits, into: sink)
    }

    /// What has turned out about the account that the key belongs to.
    private final class Account: Sendable {
        private let refusesSummaries = Mutex(false)

        var isWithoutSummaries: Bool { refusesSummaries.withLock { $0 } }
        func losesSummaries() { refusesSummaries.withLock { $0 = true } }
    }
}
