internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what the Messages API streams.
///
/// Source: <https://docs.anthropic.com/en/api/messages-streaming>
struct AnthropicStreamDecoder: StreamDecoder {
    private var events = ServerSentEvents()
    private var message: AnthropicMessage

    /// A decoder for the answer of `model`, named as it was asked for: reasoning is tagged with it.
    init(model: String, failure: ProviderFailure) {
        message = AnthropicMessage(model: model, failure: failure)
    }

    var progress: StreamProgress { message.progress }
    var usage: Usage? { message.usage }

    mutating func decode(_ bytes: RawSpan, into batch: inout EventBatch) throws(ProviderError) {
        do throws(ServerSentEvents.Failure<ProviderError>) {
            try bytes.withUnsafeBytes { (bytes) throws(ServerSentEvents.Failure<ProviderError>) in
                try events.feed(bytes) { (event) throws(ProviderError) in try message.take(event, into: &batch) }
            }
        } catch {
            throw ProviderError(error)
        }
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try message.take(whole: json, into: &batch)
    }

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        do throws(ServerSentEvents.Failure<ProviderError>) {
            try events.finish { (event) throws(ProviderError) in try message.take(event, into: &batch) }
        } catch {
            let error = ProviderError(error)
            // The end of the body has cut the last event.
            if error.reason != .malformedResponse { throw error }
        }
        return try message.finish(into: &batch)
    }
}
