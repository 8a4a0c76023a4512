internal import MeerkatCore

/// Turns the events of a streamed answer into events of ours and, at the end, the answer.
///
/// Text and reasoning are appended to the batch as they come; tool calls, usage and the stop reason are part of the
/// answer only.
protocol StreamDecoder: Sendable {
    /// Takes the data of an event; `isError` when the server calls it an error.
    ///
    /// - Throws: what the provider reported, or ``ProviderError/Reason/malformedResponse``, and then nothing has changed
    ///   if a string was not UTF-8.
    mutating func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, into batch: inout EventBatch
    ) throws(ProviderError)

    /// Takes the answer of a server that did not stream: one JSON value.
    ///
    /// - Throws: what the provider reported in it, or ``ProviderError/Reason/malformedResponse``.
    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError)

    /// The stream's end mark has come.
    mutating func end()

    /// The body has ended.
    ///
    /// - Throws: ``ProviderError/Reason/incomplete`` when it ended before the answer did.
    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer

    /// How much of the answer is there.
    var progress: StreamProgress { get }

    /// How many blocks the answer has so far.
    var blockCount: Int { get }

    /// What the provider has counted so far; nil when it has said nothing.
    var usage: Usage? { get }
}

/// How much of an answer has arrived.
enum StreamProgress: Sendable, Hashable, Comparable {
    case underway
    /// The stop reason is known; only accounting may follow, and a broken connection does no harm any more.
    case answered
    /// The stream's own end mark has come; nothing that follows counts.
    case ended
}
