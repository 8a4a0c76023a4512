internal import MeerkatCore
internal import MeerkatIO

/// Feeds a decoder with the bytes of a stream of server-sent events, which may be cut anywhere.
struct EventStreamReader<Decoder: StreamDecoder>: Sendable {
    /// Most blocks of an answer: each costs more memory than the few bytes that a server needs to begin one.
    private static var maxBlocks: Int { 10_000 }

    private(set) var decoder: Decoder
    private var events = ServerSentEvents()

    init(_ decoder: Decoder) {
        self.decoder = decoder
    }

    /// Takes some bytes of the body.
    ///
    /// - Throws: what the provider reported inside the stream, ``ProviderError/Reason/malformedResponse``, or
    ///   ``ProviderError/Reason/answerTooLarge``.
    mutating func decode(_ bytes: RawSpan, into batch: inout EventBatch) throws(ProviderError) {
        var failure: ProviderError?
        do throws(ServerSentEvents.TooLong) {
            try bytes.withUnsafeBytes { (bytes) throws(ServerSentEvents.TooLong) in
                try events.feed(bytes) { event in
                    failure = Self.take(event, &decoder, &batch)
                    return failure == nil
                }
            }
        } catch {
            throw ProviderError(.answerTooLarge, "the answer has an event of more than \(error.limit) bytes")
        }
        if let failure { throw failure }
        try checkBlocks()
    }

    private func checkBlocks() throws(ProviderError) {
        guard decoder.blockCount <= Self.maxBlocks else {
            throw ProviderError(.answerTooLarge, "the answer has more than \(Self.maxBlocks) blocks")
        }
    }

    /// Takes an answer that was not streamed.
    ///
    /// - Throws: what the provider reported in it, ``ProviderError/Reason/malformedResponse``, or
    ///   ``ProviderError/Reason/answerTooLarge``.
    mutating func decode(whole json: [UInt8], into batch: inout EventBatch) throws(ProviderError) {
        try decoder.decode(whole: json, into: &batch)
        try checkBlocks()
    }

    /// The body has ended.
    ///
    /// - Throws: ``ProviderError/Reason/incomplete`` when it ended before the answer did.
    mutating func finish(into batch: inout EventBatch) throws(ProviderError) -> ModelAnswer {
        var failure: ProviderError?
        // What is too long or cannot be read at the very end was cut off there.
        try? events.finish { event in
            failure = Self.take(event, &decoder, &batch)
            return failure == nil
        }
        if let failure, failure.reason != .malformedResponse { throw failure }
        return try decoder.finish(into: &batch)
    }

    private static func take(
        _ event: ServerSentEvents.Event, _ decoder: inout Decoder, _ batch: inout EventBatch
    ) -> ProviderError? {
        guard decoder.progress != .ended else { return nil }
        if isDoneMark(event.data) {
            decoder.end()
            return nil
        }
        do throws(ProviderError) {
            try decode(event.data, isError: event.isNamed("error"), &decoder, &batch)
        } catch {
            // When the answer is whole, what goes wrong behind it does no harm.
            return decoder.progress == .underway ? error : nil
        }
        return nil
    }

    /// Decodes an event, with replacement characters if it needs them: the standard asks for that, and it is rare enough
    /// to be found out afterwards.
    private static func decode(
        _ data: UnsafeRawBufferPointer, isError: Bool, _ decoder: inout Decoder, _ batch: inout EventBatch
    ) throws(ProviderError) {
        do throws(ProviderError) {
            try decoder.decode(data, isError: isError, into: &batch)
        } catch {
            guard error.reason == .malformedResponse else { throw error }
            let repaired = Array(String(decoding: data, as: UTF8.self).utf8)
            guard !repaired.elementsEqual(data) else { throw error }
            try repaired.withBytes { (data) throws(ProviderError) in
                try decoder.decode(data, isError: isError, into: &batch)
            }
        }
    }

    /// Whether `data` is the mark that ends the streams of most providers.
    private static func isDoneMark(_ data: UnsafeRawBufferPointer) -> Bool {
        guard data.first == UInt8(ascii: "["), data.count < 16 else { return false }
        return data.filter { $0 > 0x20 }.elementsEqual("[DONE]".utf8)
    }
}
