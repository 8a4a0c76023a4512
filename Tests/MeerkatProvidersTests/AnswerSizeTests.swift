import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct AnswerSizes {
    /// Answers that never end, as an event to begin with and one that is repeated.
    private static let endless: [(name: String, start: String, again: String)] = [
        ("text", ModelExchangeTests.hello[0], ModelExchangeTests.hello[0]),
        ("reasoning", ModelExchangeTests.hello[0], #"{"choices":[{"delta":{"reasoning":"Hm"}}]}"#),
        (
            "arguments", #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}"#,
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"[[[["}}]}}]}"#
        ),
        ("nothing", ModelExchangeTests.hello[0], #"{"choices":[]}"#),
    ]

    private func failure(
        _ answer: ScriptedTransport.Answer, maxBytes: Int, sink: CollectingSink = CollectingSink()
    ) async -> (error: ProviderError?, transport: ScriptedTransport) {
        let transport = ScriptedTransport(answer)
        do throws(ProviderError) {
            let provider = OpenAICompatibleProvider(
                ProviderConnection(
                    name: "test", endpoint: try Endpoint("http://localhost", key: nil), transport: transport,
                    clock: StoppedClock()))
            var request = ModelRequest(
                model: "m", maxTokens: 1, instructions: "", history: RenderedHistory(chunks: []))
            request.answerLimits.maxBytes = maxBytes
            _ = try await provider.stream(request, into: sink)
            return (nil, transport)
        } catch {
            return (error, transport)
        }
    }

    private static let tooLarge = ProviderError(
        .answerTooLarge, "the answer is larger than 10000 bytes (limits.max_answer_bytes)")

    @Test(arguments: endless.map(\.name))
    func anAnswerWithoutAnEndIsStoppedAtTheLimit(_ name: String) async throws {
        let (_, start, again) = try #require(Self.endless.first { $0.name == name })
        let piece = stream(again)
        let pieces = [stream(start)] + Array(repeating: piece, count: 20_000 / piece.count)
        let sink = CollectingSink()
        let (error, transport) = await failure(ScriptedTransport.Answer(pieces: pieces), maxBytes: 10_000, sink: sink)
        #expect(error == Self.tooLarge)
        // Nothing is read beyond the limit.
        #expect(transport.flows.last == .stop)
        #expect(transport.flows.count == 2 + (10_000 - stream(start).count) / piece.count)
        #expect(sink.text.utf8.count <= 10_000)
    }

    @Test func anEventAndAWholeAnswerAreHeldToTheSameLimit() async {
        let part = Array(repeating: UInt8(ascii: "x"), count: 3000)
        for start in ["data: {\"choices\":\"", "{\"choices\":\"", "event: ", ": "] {
            let pieces = [Array(start.utf8)] + Array(repeating: part, count: 9)
            let (error, transport) = await failure(ScriptedTransport.Answer(pieces: pieces), maxBytes: 10_000)
            #expect(error == Self.tooLarge)
            #expect(transport.flows == [.proceed, .proceed, .proceed, .proceed, .stop])
        }
    }

    @Test func anAnswerOfTheLimitIsOne() async {
        let pieces = [stream(ModelExchangeTests.hello)]
        let (error, _) = await failure(ScriptedTransport.Answer(pieces: pieces), maxBytes: pieces[0].count)
        #expect(error == nil)
        let (refused, _) = await failure(ScriptedTransport.Answer(pieces: pieces), maxBytes: pieces[0].count - 1)
        #expect(refused?.reason == .answerTooLarge)
    }

    @Test func whatFollowsAWholeAnswerIsNotReadForEver() async {
        let junk = Array(repeating: UInt8(ascii: ":"), count: 3000)
        let pieces = [stream(ModelExchangeTests.hello)] + Array(repeating: junk, count: 9)
        let (error, transport) = await failure(ScriptedTransport.Answer(pieces: pieces), maxBytes: 10_000)
        #expect(error == nil)
        #expect(transport.flows.count == 5)
    }

    @Test func aBodyThatTheTransportFindsTooLongIsTooLarge() async {
        let (error, _) = await failure(ScriptedTransport.Answer(end: .error(.tooLong)), maxBytes: 10_000)
        #expect(error?.reason == .answerTooLarge)
        #expect(error?.isRetryable == false)
    }

    @Test func blocksAreCounted() {
        let call = #"{"choices":[{"delta":{"tool_calls":[{"id":"","function":{"name":"f"}}]}}]}"#
        let block = #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
        let item = #"{"type":"response.output_item.added","item":{"type":"reasoning"}}"#
        let part = #"{"candidates":[{"content":{"parts":[{"inlineData":{}}]}}]}"#
        let tooMany = ProviderError(.answerTooLarge, "the answer has more than 10000 blocks")
        func repeated(_ event: String, _ count: Int) -> [UInt8] { stream(Array(repeating: event, count: count)) }
        #expect(Outcome.chat(repeated(call, 10_001)).error == tooMany)
        #expect(Outcome.anthropic(repeated(block, 10_001)).error == tooMany)
        #expect(Outcome.openai(repeated(item, 10_001)).error == tooMany)
        #expect(Outcome.gemini(repeated(part, 10_001)).error == tooMany)
        #expect(Outcome.chat(repeated(call, 10_000)).error?.reason == .incomplete)
    }

    @Test func aListOfModelsIsBounded() async {
        let piece = Array(repeating: UInt8(ascii: " "), count: 1 << 20)
        let transport = ScriptedTransport(ScriptedTransport.Answer(pieces: Array(repeating: piece, count: 8)))
        let error = await #expect(throws: ProviderError.self) {
            try await ModelList.models(at: "http://localhost/v1/models", headers: [], over: transport, clock: Patient())
        }
        #expect(error?.reason == .answerTooLarge)
        #expect(transport.flows == [.proceed, .proceed, .proceed, .stop])
    }

    /// A clock on which no time passes.
    private struct Patient: RuntimeClock {
        let now = Timestamp(milliseconds: 0)
        let uptime: UInt64 = 0

        func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
            StoppedClock.Nothing()
        }
    }
}
