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
}
