internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads what Chat Completions servers stream.
///
/// Source: <https://platform.openai.com/docs/api-reference/chat-streaming>
struct ChatStreamDecoder: StreamDecoder {
    private var events = ServerSentEvents()
    private var completion: ChatCompletion

    /// A decoder for the answer of `model`, named as it was asked for: reasoning is tagged with it.
    init(model: String, failure: ProviderFailure) {
        completion = ChatCompletion(model: model, failure: failure)
    }

    var progress: StreamProgress { completion.progress }
    var usage: Usage? { completion.usage }

    mutating func decode(_ bytes: RawSpan, into batch: inout EventBatch) throws(ProviderError) {
        do throws(ServerSentEvents.Failure<ProviderError>) {
            try bytes.withUnsafeBytes { (bytes) throws(ServerSentEvents.Failure<ProviderError>) in
                try events.feed(bytes) { (event) throws(ProviderError) in try completion.take(event, into: &batch) }
            }
        } catch {
            throw ProviderError(error)
        }
    }

    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try json.withBytes { (bytes) throws(ProviderError) in try completion.take(whole: bytes, into: &batch) }
    }

    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        do throws(ServerSentEvents.Failure<ProviderError>) {
            try events.finish { (event) throws(ProviderError) in try completion.take(event, into: &batch) }
        } catch {
            let error = ProviderError(error)
            // The end of the body has cut the last event.
            if error.reason != .malformedResponse { throw error }
        }
        return try completion.finish(into: &batch)
    }
}
