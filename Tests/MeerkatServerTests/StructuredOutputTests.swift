import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct StructuredOutputs {
    private static let schema: JSONValue = [
        "type": "object", "properties": ["capital": ["type": "string"]], "required": ["capital"],
    ]

    @Test func aSessionWithoutToolsAsksForItWithTheTurnItself() async throws {
        let provider = ScriptedProvider(.text(#"{"capital": "Paris"}"#))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", ["prompt": "France?", "output_schema": Self.schema])
            #expect(result["structured_output"] == ["capital": "Paris"])
            #expect(result["text"] == #"{"capital": "Paris"}"#)
            #expect(result["turns"] == 1)
            #expect(result["schema_warnings"] == nil)
            #expect(provider.requests[0].outputSchema?.schema["required"] == ["capital"])
            #expect(client.events.last?["result"] == #"{"capital": "Paris"}"#)
        }
    }

    @Test func anAnswerThatDoesNotFitIsAskedForAgainWithTheReason() async throws {
        let provider = ScriptedProvider(
            .text("Paris."), .text(#"{"capital": 5}"#), .text("```json\n{\"capital\":\"Paris\"}\n```"))
        try await withTestClient(provider) { client in
            let result = try await client.call("session/create", ["prompt": "France?", "output_schema": Self.schema])
            #expect(result["structured_output"] == ["capital": "Paris"])
            #expect(result["text"] == #"{"capital":"Paris"}"#)
            #expect(result["turns"] == 3)
            #expect(provider.histories[1].contains("invalid JSON"))
            #expect(provider.histories[2].contains("schema validation failed: "))
            #expect(provider.histories[2].contains("/capital"))
            let turns = client.events.filter { $0["type"] == "turn_started" }.map { $0["turn_number"] }
            #expect(turns == [0, 1, 2])
            #expect(client.eventNames.filter { $0 == "turn_completed" }.count == 3)
        }
    }

    @Test func whenNoAnswerFitsTheRunFailsAndSaysHow() async throws {
        let provider = ScriptedProvider(.text("a"), .text("b"), .text("c"), .text("Fine."))
        try await withTestClient(provider) { client in
            let failure = try #require(
                await client.failure(
                    "session/create",
                    ["prompt": "France?", "output_schema": Self.schema, "structured_output_retries": 2]))
            #expect(failure.code == -32013)
            #expect(failure.details?["reason"] == "structured_output")
            #expect(failure.details?["attempts"] == 3)
            #expect(failure.details?["last_output"] == "c")
            #expect(failure.details?["problem"]?.string?.hasPrefix("invalid JSON") == true)
            #expect(client.eventNames.last == "run_failed")
        }
    }

    @Test func aSessionWithToolsExtractsAfterItsWork() async throws {
        let provider = ScriptedProvider(
            .toolCall("note", arguments: "{}"), .text("It is Paris."), .text(#"{"capital":"Paris"}"#))
        try await withTestClient(provider, tools: [ConstantTool(name: "note", isPolling: false)]) { client in
            let result = try await client.call("session/create", ["prompt": "France?", "output_schema": Self.schema])
            #expect(result["structured_output"] == ["capital": "Paris"])
            #expect(result["turns"] == 3)
            #expect(provider.requests.map { $0.outputSchema != nil } == [false, false, true])
            #expect(provider.requests.map(\.usesTools) == [true, true, false])
            #expect(provider.requests[2].temperature == 0)
            #expect(provider.histories[2].contains("It is Paris."))
        }
    }

    @Test func anInterruptEndsAnExtraction() async throws {
        let provider = ScriptedProvider(.text("no"), .silence(after: "{"), .text(#"{"capital":"Oslo"}"#))
        try await withTestClient(provider) { client in
            let request = client.request("session/create", ["prompt": "x", "output_schema": Self.schema])
            await client.waitForEvent("text_delta", count: 2)
            let session = try #require(client.events.first?["session_id"])
            try await client.call("turn/interrupt", ["session_id": session])
            let failure = await #expect(throws: TestClient.Failure.self) { try await client.answer(request) }
            #expect(failure?.details == ["reason": "cancelled"])
            let next = try await client.call("turn/start", ["session_id": session, "prompt": "Norway?"])
            #expect(next["structured_output"] == ["capital": "Oslo"])
        }
    }

    @Test func extractionStaysWithinTheTurnLimit() async throws {
        let provider = ScriptedProvider(.text("no"), .text(#"{"capital":"Oslo"}"#))
        try await withTestClient(provider) { client in
            let failure = await client.failure(
                "session/create", ["prompt": "x", "output_schema": Self.schema, "limits": ["max_turns": 1]])
            #expect(failure?.code == -32011)
            #expect(failure?.details == ["reason": "max_turns"])
            #expect(provider.requests.count == 1)
        }
    }

    @Test func noRetriesMeansOneAnswer() async throws {
        let provider = ScriptedProvider(.text("a"), .text("b"))
        try await withTestClient(provider) { client in
            let failure = await client.failure(
                "session/create", ["prompt": "x", "output_schema": Self.schema, "structured_output_retries": 0])
            #expect(failure?.details?["attempts"] == 1)
            #expect(provider.requests.count == 1)
        }
    }

    @Test func aTurnMayHaveItsOwnSchema() async throws {
        let provider = ScriptedProvider(.text("Hi."), .text(#"{"capital":"Rome"}"#), .text("Bye."))
        try await withTestClient(provider) { client in
            let session = try #require(try await client.call("session/create", ["prompt": "Hi"])["session_id"])
            let second = try await client.call(
                "turn/start", ["session_id": session, "prompt": "Italy?", "output_schema": Self.schema])
            #expect(second["structured_output"] == ["capital": "Rome"])
            let third = try await client.call("turn/start", ["session_id": session, "prompt": "Bye"])
            #expect(third["structured_output"] == nil)
        }
    }

    @Test(arguments: [
        (#"{"schema":{"type":"object"},"name":"n"}"#, true),
        (#"{"schema":{"type":"object"},"format":"meerkat_v1"}"#, true),
        (#"{"schema":5}"#, false), (#"{"schema":{},"compat":"loose"}"#, false), (#"{"schema":{},"strict":1}"#, false),
        (#"{"type":"objet"}"#, false), (##"{"$ref":"#/nowhere"}"##, false), (#"[1]"#, false), (#""x""#, false),
        (#"{"properties":{"schema":{"type":"string"},"format":{"type":"string"}}}"#, true),
    ])
    func aSchemaIsCheckedBeforeAnythingIsCreated(schema: String, isGood: Bool) async throws {
        try await withTestClient(ScriptedProvider(.text(#"{"schema":"s","format":"f"}"#))) { client in
            let schema = try JSONValue(json: Array(schema.utf8))
            let failure = await client.failure("session/create", ["prompt": "x", "output_schema": schema])
            #expect((failure == nil) == isGood)
            if !isGood {
                #expect(failure?.code == -32602)
                #expect(try await client.call("session/list") == ["sessions": []])
            }
        }
    }
}
