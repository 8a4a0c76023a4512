internal import MeerkatCore

/// Turns the bytes of a streamed answer into events and, at the end, the answer.
///
/// Bytes may be cut anywhere. Text and reasoning are appended to the batch as they come; tool calls, usage and the
/// stop reason are part of the answer only.
protocol StreamDecoder: Sendable {
    /// Takes some bytes of the body.
    ///
    /// - Throws: what the provider reported inside the stream, or ``ProviderError/Reason/malformedResponse``.
    mutating func decode(_ bytes: RawSpan, into batch: inout EventBatch) throws(ProviderError)

    /// The body has ended.
    ///
    /// - Throws: ``ProviderError/Reason/incomplete`` when it ended before the answer did.
    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer
}
