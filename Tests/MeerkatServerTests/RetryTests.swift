import MeerkatCore
import MeerkatEngine
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Retries {
    private static let overloaded = ProviderError(.overloaded, "overloaded", status: 529)

    @Test func aFailedCallIsMadeAgainAfterItsDelay() async throws {
        let clock = TestClock()
        let provider = ScriptedProvider(.failure(Self.overloaded), .failure(Self.overloaded), .text("Here."))
        try await withTestClient(provider, clock: clock) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            for count in 1...2 {
                await client.waitForEvent("retrying", count: count)
                let delay = try #require(client.events.last { $0["type"] == "retrying" }?["delay_ms"]?.int)
                let expected = 500 * count
                #expect((expected * 9 / 10...expected * 11 / 10).contains(delay))
                await pass(.seconds(2), on: clock, until: client, hasRequests: count + 1, of: provider)
            }
            #expect(try await client.answer(request)["text"] == "Here.")
            let retries = client.events.filter { $0["type"] == "retrying" }
            #expect(retries.map { $0["attempt"] } == [1, 2])
            #expect(retries.map { $0["max_attempts"] } == [4, 4])
            #expect(retries.map { $0["discard_text"] } == [false, false])
            #expect(client.eventNames.filter { $0 == "turn_started" }.count == 1)
        }
    }

    /// Moves the clock until the provider has been asked often enough.
    private func pass(
        _ step: Duration, on clock: TestClock, until client: TestClient, hasRequests count: Int,
        of provider: ScriptedProvider
    ) async {
        while provider.requests.count < count {
            clock.advance(by: step)
            await Task.yield()
        }
    }

    @Test func whatCannotGetBetterIsNotRetried() async throws {
        let error = ProviderError(.authentication, "invalid x-api-key", status: 401)
        let provider = ScriptedProvider(.failure(error))
        try await withTestClient(provider) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "Go"]))
            #expect(failure.code == -32010)
            #expect(failure.details == ["reason": "authentication", "provider": "scripted", "status": 401])
            #expect(failure.session != nil)
            #expect(provider.requests.count == 1)
            #expect(client.eventNames == ["run_started", "turn_started", "run_failed"])
        }
    }

    @Test func shownTextIsOnlyTakenBackFromAClientThatCanDiscardIt() async throws {
        let failing = ScriptedProvider.Step.failure(ProviderError(.incomplete, "cut"), after: "Half an ans")
        try await withTestClient(ScriptedProvider(failing, .text("Whole."))) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": "Go"]))
            #expect(failure.code == -32010)
            #expect(!client.eventNames.contains("retrying"))
        }
        let clock = TestClock()
        let provider = ScriptedProvider(failing, .text("Whole."))
        try await withTestClient(provider, clock: clock) { client in
            try await client.call("initialize", ["client": ["discard_text": true]])
            let request = client.request("session/create", ["prompt": "Go"])
            await client.waitForEvent("retrying")
            #expect(client.events.last { $0["type"] == "retrying" }?["discard_text"] == true)
            await pass(.seconds(1), on: clock, until: client, hasRequests: 2, of: provider)
            #expect(try await client.answer(request)["text"] == "Whole.")
        }
    }

    @Test(arguments: [false, true])
    func silenceEndsTheCall(hasBegun: Bool) async throws {
        var configuration = Configuration()
        configuration.retry.maxRetries = 0
        let clock = TestClock()
        let provider = ScriptedProvider(.silence(after: hasBegun ? "Well" : ""))
        try await withTestClient(provider, clock: clock, configuration: configuration) { client in
            let request = client.request("session/create", ["prompt": "Go"])
            if hasBegun { await client.waitForEvent("text_delta") }
            await clock.waitForTimer(after: .seconds(600))
            clock.advance(by: .seconds(599))
            if !hasBegun { #expect(client.eventNames.last != "run_failed") }
            clock.advance(by: .seconds(301))
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "timeout", "provider": "scripted"])
        }
    }

    @Test func delaysFollowThePlan() {
        let plan = RetryTable.plan
        for row in RetryTable.rows {
            #expect(plan.delay(after: row.error, attempt: row.attempt, jitter: row.jitter) == row.delay, "\(row)")
        }
    }
}
