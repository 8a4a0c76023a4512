import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct BackPressure {
    @Test func aSlowReaderLosesNothingAndHoldsUpNobodysEnd() async throws {
        let piece = String(repeating: "x", count: 30_000)
        let provider = ScriptedProvider(
            steps: [.init(textPieces: Array(repeating: piece, count: 200)), .text("quick")])
        try await withTestClient(provider) { client in
            client.stopReading()
            let long = client.request("session/create", ["prompt": "long"])
            // The script is for the calls in order; the other one comes second.
            while provider.requests.isEmpty { await Task.yield() }
            let other = client.request("session/create", ["prompt": "other"])
            client.continueReading()
            let result = try await client.answer(long)
            try await client.answer(other)
            #expect(result["text"]?.string?.utf8.count == 6_000_000)
            let deltas = client.events.filter { $0["type"] == "text_delta" }.compactMap { $0["delta"]?.string }
            #expect(deltas.map(\.utf8.count).reduce(0, +) == 6_000_005)
        }
    }

    @Test func longTextIsCutIntoDeltasBetweenCharacters() async throws {
        let text = String(repeating: "🦫é", count: 20_000)
        try await withTestClient(ScriptedProvider(.text(text))) { client in
            let result = try await client.call("session/create", ["prompt": "x"])
            #expect(result["text"]?.string == text)
            let deltas = client.events.filter { $0["type"] == "text_delta" }.compactMap { $0["delta"]?.string }
            #expect(deltas.joined() == text)
            #expect(deltas.count == 4)
            #expect(deltas.allSatisfy { $0.utf8.count <= 32 * 1024 })
        }
    }

    @Test func aProviderThatFallsSilentWhileItsReaderIsBusyTimesOutWhenTheReaderHasCaughtUp() async throws {
        let provider = FloodingProvider()
        let clock = TestClock()
        try await withTestClient(provider, clock: clock) { client in
            client.stopReading()
            let request = client.request("session/create", ["prompt": "x"])
            let count = await provider.count.value
            // The clocks stand still while the reader does.
            for _ in 0..<4 { clock.advance(by: .seconds(300)) }
            client.continueReading()
            await client.waitForEvent("text_delta", count: count)
            let failure = Task { await client.failure(of: request) }
            while !client.eventNames.contains("run_failed") {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
            #expect(await failure.value?.details?["reason"] == "timeout")
        }
    }
}

/// Streams until the reader has enough, and says nothing from then on.
private struct FloodingProvider: ModelProvider {
    let name = "flood"
    let endpoint = "here"
    let wireFormat = WireFormat.chatCompletions
    /// How many deltas were streamed.
    let count = AsyncLatch<Int>()

    func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {}

    func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        let delta = String(repeating: "x", count: 30_000)
        var deltas = 1
        while sink.offer(EventBatch(.textDelta(TextDelta(delta: delta)))) { deltas += 1 }
        count.open(deltas)
        _ = await AsyncLatch<Void>().valueUnlessCancelled
        throw .cancelled
    }
}
