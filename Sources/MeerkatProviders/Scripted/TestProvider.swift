public import MeerkatCore
public import MeerkatJSON

/// The offline model of `RKAT_TEST_CLIENT=1`: every call answers `ok` and reports no usage.
public struct TestProvider: ModelProvider {
    public var name: String { "test" }
    public var endpoint: String { "offline" }
    public var wireFormat: WireFormat { .chatCompletions }

    public init() {}

    public func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {}

    public func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        guard !Task.isCancelled else { throw .cancelled }
        _ = sink.offer(EventBatch(.textDelta(TextDelta(delta: "ok"))))
        return ModelAnswer(blocks: [.text("ok")], stopReason: .endTurn, usage: nil)
    }
}
