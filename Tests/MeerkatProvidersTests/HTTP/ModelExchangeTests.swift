import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct ModelExchangeTests {
    static let hello = [
        #"{"choices":[{"delta":{"content":"Hel"}}],"usage":null}"#, #"{"choices":[{"delta":{"content":"lo"}}]}"#,
        #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#, "[DONE]",
    ]
    static let answer = ModelAnswer(
        blocks: [.text("Hello")], stopReason: .endTurn, usage: Usage(inputTokens: 5, outputTokens: 2))

    private func run(
        _ answer: ScriptedTransport.Answer, sink: CollectingSink = CollectingSink(),
        clock: StoppedClock = StoppedClock()
    ) async throws(ProviderError) -> ModelAnswer {
        try await run(ScriptedTransport(answer), sink: sink, clock: clock)
    }

    private func run(
        _ transport: ScriptedTransport, sink: CollectingSink = CollectingSink(), clock: StoppedClock = StoppedClock()
    ) async throws(ProviderError) -> ModelAnswer {
        let provider = OpenAICompatibleProvider(
            ProviderConnection(
                name: "test", endpoint: try Endpoint("http://localhost", key: APIKey("sk-0123456789abcdef")),
                transport: transport, clock: clock))
        let request = ModelRequest(model: "m", maxTokens: 1, instructions: "", history: RenderedHistory(chunks: []))
        return try await provider.stream(request, into: sink)
    }

    private func failure(
        _ answer: ScriptedTransport.Answer, sink: CollectingSink = CollectingSink()
    ) async -> ProviderError? {
        do throws(ProviderError) {
            _ = try await run(answer, sink: sink)
            return nil
        } catch {
            return error
        }
    }

    private static func pieces(_ events: some Sequence<String>) -> [[UInt8]] { events.map { stream($0) } }

    @Test func whatIsDecodedIsOfferedPieceByPiece() async throws {
        let sink = CollectingSink()
        #expect(try await run(ScriptedTransport.Answer(pieces: Self.pieces(Self.hello)), sink: sink) == Self.answer)
        #expect(sink.text == "Hello")
        #expect(sink.batches == 4)
    }

    @Test func aSinkWithoutRoomPausesTheConnection() async throws {
        let sink = CollectingSink(hasRoom: false)
        let transport = ScriptedTransport(ScriptedTransport.Answer(pieces: Self.pieces(Self.hello)))
        #expect(try await run(transport, sink: sink) == Self.answer)
        #expect(transport.flows == [.pause, .pause, .pause, .pause, .pause])
        #expect(sink.drains == 5)
    }

    @Test func anErrorInTheStreamStopsTheConnection() async {
        let pieces = Self.pieces([Self.hello[0], #"{"error":{"message":"x","code":503}}"#, Self.hello[1]])
        let transport = ScriptedTransport(ScriptedTransport.Answer(pieces: pieces))
        await #expect(throws: ProviderError(.overloaded, "the provider reported an error: x")) {
            try await run(transport)
        }
        #expect(transport.flows == [.proceed, .stop])
    }

    @Test func aBrokenConnectionAfterTheFinishReasonDoesNoHarm() async throws {
        for count in 3...5 {
            let answer = try await run(
                ScriptedTransport.Answer(pieces: Self.pieces(Self.hello.prefix(count)), end: .error(.broken("reset"))))
            #expect(answer.blocks == Self.answer.blocks)
            #expect(answer.usage == (count > 3 ? Self.answer.usage : nil))
        }
        for count in 0...2 {
            let error = await failure(
                ScriptedTransport.Answer(pieces: Self.pieces(Self.hello.prefix(count)), end: .error(.broken("reset"))))
            #expect(error == ProviderError(.connection, "the connection broke: reset"))
        }
    }

    @Test func anEndBeforeTheFinishReasonIsIncomplete() async {
        for count in 0...2 {
            let error = await failure(ScriptedTransport.Answer(pieces: Self.pieces(Self.hello.prefix(count))))
            #expect(error?.reason == .incomplete)
        }
    }

    @Test func aConnectionThatStaysOpenIsNotWaitedForLong() async throws {
        let whole = ScriptedTransport.Answer(pieces: Self.pieces(Self.hello), end: .never)
        #expect(try await run(whole, clock: StoppedClock(patience: .milliseconds(250))) == Self.answer)
        let finished = ScriptedTransport.Answer(pieces: Self.pieces(Self.hello.prefix(3)), end: .never)
        let answer = try await run(finished, clock: StoppedClock(patience: .seconds(30)))
        #expect(answer == ModelAnswer(blocks: [.text("Hello")], stopReason: .endTurn, usage: nil))
    }

    @Test func cancellingEndsTheCall() async {
        let answer = ScriptedTransport.Answer(pieces: Self.pieces(Self.hello.prefix(1)), end: .never)
        let task = Task { await failure(answer) }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func aFailureCarriesItsStatusAndWish() async {
        let error = await failure(
            ScriptedTransport.Answer(
                status: 429, headers: [("content-type", "application/json"), ("retry-after", "2")],
                pieces: [Array(#"{"error":{"mess"#.utf8), Array(#"age":"Slow down, sk-0123456789abcdef"}}"#.utf8)]))
        #expect(
            error
                == ProviderError(
                    .rateLimited, "HTTP 429: Slow down, [redacted]", status: 429, retryAfterMilliseconds: 2000))
    }

    @Test func onlyTheBeginningOfALongFailureIsRead() async {
        let pieces = Array(repeating: Array(repeating: UInt8(ascii: "x"), count: 40_000), count: 5)
        let transport = ScriptedTransport(ScriptedTransport.Answer(status: 500, pieces: pieces))
        await #expect(throws: ProviderError.self) { try await run(transport) }
        #expect(transport.flows == [.proceed, .stop])
    }

    @Test func aFailureWhoseBodyBreaksOffIsStillThatFailure() async {
        let error = await failure(
            ScriptedTransport.Answer(status: 503, pieces: [Array("busy".utf8)], end: .error(.broken("reset"))))
        #expect(error == ProviderError(.overloaded, "HTTP 503: busy", status: 503))
    }

    @Test(arguments: ["application/json", "text/event-stream"])
    func aServerMayAnswerWithoutStreaming(_ type: String) async throws {
        let json =
            #" {"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#
        let sink = CollectingSink()
        let answer = ScriptedTransport.Answer(
            headers: [("content-type", type)], pieces: Array(json.utf8).map { [$0] })
        #expect(try await run(answer, sink: sink) == Self.answer)
        #expect(sink.text == "Hello")
        var cut = answer
        cut.pieces.removeLast()
        #expect(await failure(cut)?.reason == .malformedResponse)
    }

    @Test(arguments: [
        ("application/json", #"{"error":{"message":"No","code":401}}"#, ProviderError.Reason.authentication),
        ("application/json", #"{"id":"x"}"#, .malformedResponse), ("application/json", "[]", .malformedResponse),
        ("text/html", "<html><p>Welcome", .malformedResponse), ("text/event-stream", "<html>", .malformedResponse),
        ("text/plain", "ok", .malformedResponse), ("text/event-stream", "ok", .incomplete),
        ("text/event-stream", "", .incomplete),
    ])
    func whatIsNoAnswerIsRefused(_ type: String, _ body: String, _ reason: ProviderError.Reason) async {
        let answer = ScriptedTransport.Answer(headers: [("content-type", type)], pieces: [Array(body.utf8)])
        #expect(await failure(answer)?.reason == reason)
    }

    @Test(
        .enabled(if: Recording.folder != nil, "the recordings are not there"),
        arguments: Recording.all(of: "openai_chat"))
    func recordedAnswers(_ recording: Recording) async throws {
        let answer = ScriptedTransport.Answer(
            status: recording.status, headers: recording.headers, pieces: recording.pieces(of: 100))
        let sink = CollectingSink()
        if let status = recording.expected["http_error"]?.int {
            let error = await failure(answer, sink: sink)
            #expect(error?.status == status)
            #expect(error?.isRetryable == recording.expected["retryable"]?.bool)
        } else if recording.expected["sdk_error"] != nil {
            #expect(await failure(answer, sink: sink) != nil)
        } else {
            #expect(try await run(answer, sink: sink).blocks.joinedText == recording.expected["text"]?.string)
            #expect(sink.text == recording.expected["text"]?.string)
        }
    }
}
