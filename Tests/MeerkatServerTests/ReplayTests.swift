import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

/// What a provider is sent of an earlier conversation: the same bytes as before, whatever happened in between.
@Suite struct Replays {
    private static func work(_ wire: Wire, _ number: Int) -> [ModelScript] {
        [
            ModelScript(
                .thought("\(wire) thinks \(number)."), .text("Look:"),
                .call(id: "\(wire)_\(number)_a", name: "works", arguments: #"{"x": 1.0, "y":"/ü"}"#),
                .call(id: "\(wire)_\(number)_b", name: "broken", arguments: nil)),
            ModelScript(.thought("\(wire) thinks again."), .text("\(wire) has done \(number).")),
        ]
    }

    /// Whether `later` goes on where `earlier` ended; both end with the same tail.
    private static func goesOn(_ earlier: [UInt8], _ later: [UInt8]) -> Bool {
        earlier.suffix(2) == later.suffix(2) && later.starts(with: earlier.dropLast(2) + [UInt8(ascii: ",")])
    }

    private static func expectToGoOn(_ bodies: [[UInt8]]) {
        for (earlier, later) in zip(bodies, bodies.dropFirst()) { #expect(goesOn(earlier, later)) }
    }

    private static func start(_ wire: Wire) -> JSONValue {
        ["prompt": "Go", "model": .string(wire.model), "provider": .string(wire.name)]
    }

    // MARK: Restarts

    /// The bodies of three runs; a new process begins before the second run and before the third when `restarts`.
    private static func bodies(_ wire: Wire, restarts: Bool) async throws -> [[UInt8]] {
        let transport = WireTransport(wire, (1...3).flatMap { work(wire, $0) })
        let (store, ids) = (RecordingStore(), SequentialIDs())
        let tools: [any Tool] = [RecordingTool(name: "works"), FailingTool()]
        var session: JSONValue?
        func run(_ client: TestClient) async throws {
            if let session {
                try await client.call("turn/start", ["session_id": session, "prompt": "On"])
            } else {
                session = try await client.call("session/create", start(wire))["session_id"]
            }
        }
        let provider = try wire.provider(transport)
        for _ in 0..<(restarts ? 3 : 1) {
            try await withTestClient(provider, store: store, ids: ids, tools: tools) { client in
                for _ in 0..<(restarts ? 1 : 3) { try await run(client) }
            }
        }
        return transport.bodies
    }

    @Test(arguments: Wire.allCases)
    func aRestartChangesNoByte(_ wire: Wire) async throws {
        let bodies = try await Self.bodies(wire, restarts: false)
        #expect(bodies.count == 6)
        Self.expectToGoOn(bodies)
        let restarted = try await Self.bodies(wire, restarts: true)
        #expect(restarted == bodies)
    }

    @Test(arguments: Wire.allCases)
    func aRunThatWasCutOffGoesOnWithTheSameBytes(_ wire: Wire) async throws {
        let scripts = [
            ModelScript(.thought("First this."), .call(id: "call_a", name: "act", arguments: #"{"x":1}"#)),
            ModelScript(.text("Done.")),
        ]
        let request = Self.start(wire)
        let whole = WireTransport(wire, scripts)
        try await withTestClient(
            try wire.provider(whole), ids: RandomIDGenerator(),
            tools: [EffectTool(name: "act", effect: .pure, isHeld: false)]
        ) { client in _ = try await client.call("session/create", request) }

        let cut = WireTransport(wire, scripts)
        let store = RecordingStore()
        var session = JSONValue.null
        try await withTestClient(
            try wire.provider(cut), store: store, ids: RandomIDGenerator(),
            tools: [EffectTool(name: "act", effect: .pure, isHeld: true)]
        ) { client in
            _ = client.request("session/create", request)
            await client.waitForEvent("tool_execution_started")
            session = client.events[0]["session_id"] ?? .null
            store.fail { _ in .failed("the process is dead") }
        }
        store.fail { _ in nil }
        try await withTestClient(
            try wire.provider(cut), store: store, tools: [EffectTool(name: "act", effect: .pure, isHeld: false)]
        ) { client in
            let result = try await client.call("turn/resume", ["session_id": session])
            #expect(result["text"] == "Done.")
        }
        // Only the id of the session, by which some servers find what they have cached, is another one.
        func history(_ body: [UInt8]) throws -> JSONValue? {
            let body = try JSONValue(json: body)
            return body["messages"] ?? body["input"] ?? body["contents"]
        }
        let (resumed, expected) = (try cut.bodies.map(history), try whole.bodies.map(history))
        #expect(resumed == expected)
        Self.expectToGoOn(cut.bodies)
    }

    // MARK: Other providers in between

    @Test func eachProviderGoesOnWhereItWas() async throws {
        let transports = Dictionary(
            uniqueKeysWithValues: Wire.allCases.map { wire in
                (wire, WireTransport(wire, Self.work(wire, 1) + Self.work(wire, 2)))
            })
        let provider = try SwitchingProvider(transports)
        let tools: [any Tool] = [RecordingTool(name: "works"), FailingTool()]
        try await withTestClient(provider, tools: tools) { client in
            let session = try #require(
                try await client.call("session/create", ["initial_turn": false])["session_id"])
            for round in 1...2 {
                for wire in Wire.allCases {
                    let result = try await client.call(
                        "turn/start",
                        [
                            "session_id": session, "prompt": "On", "model": .string(wire.model),
                            "provider": .string(wire.name),
                        ])
                    #expect(result["text"] == .string("\(wire) has done \(round)."))
                    #expect(result["model"] == .string(wire.model))
                }
            }
        }
        for (wire, transport) in transports {
            #expect(transport.bodies.count == 4)
            Self.expectToGoOn(transport.bodies)
            for body in transport.bodies {
                let text = String(decoding: body, as: UTF8.self)
                for other in Wire.allCases where other != wire {
                    #expect(!text.contains("\(other) thinks"))
                    #expect(!text.contains("signed-by-\(other)"))
                }
                try Self.expectPairs(of: wire, in: JSONValue(json: body))
            }
            try Self.expectOwnReasoning(of: wire, in: String(decoding: transport.bodies[3], as: UTF8.self))
        }
    }

    /// Both things that were thought, as they came; a server of Chat Completions is shown only what led to calls.
    private static func expectOwnReasoning(of wire: Wire, in body: String) throws {
        let fields: [String] =
            switch wire {
            case .anthropic:
                [
                    #"{"type":"thinking","thinking":"anthropic thinks 1.","signature":"signed-by-anthropic-1"}"#,
                    #"{"type":"thinking","thinking":"anthropic thinks again.","signature":"signed-by-anthropic-2"}"#,
                ]
            case .openai:
                [
                    #"{"type":"reasoning","summary":[{"type":"summary_text","text":"openai thinks 1."}],"encrypted_content":"signed-by-openai-1"}"#,
                    #""encrypted_content":"signed-by-openai-2"}"#,
                ]
            case .gemini:
                [
                    #""args":{"x":1.0,"y":"/ü"}},"thoughtSignature":"signed-by-gemini-1"}"#,
                    #"{"text":"gemini has done 1."},{"text":"","thoughtSignature":"signed-by-gemini-2"}"#,
                ]
            case .chat: [#""reasoning_content":"chat thinks 1.""#, #""reasoning_content":"chat thinks 2.""#]
            }
        for field in fields { #expect(body.contains(field), "\(field)") }
    }

    /// All calls have their results at once and in order, and no result is without its call.
    private static func expectPairs(of wire: Wire, in body: JSONValue) throws {
        var open: [JSONValue] = []
        var pairs = 0
        func meet(call: JSONValue?, result: JSONValue?) {
            if let call {
                open.append(call)
            } else if let result {
                #expect(open.first == result)
                open = Array(open.dropFirst())
                pairs += 1
            } else {
                #expect(open == [], "something stands between calls and results")
            }
        }
        for message in (body["messages"] ?? body["input"] ?? body["contents"])?.array ?? [] {
            switch wire {
            case .anthropic:
                for block in message["content"]?.array ?? [] {
                    meet(call: block["type"] == "tool_use" ? block["id"] : nil, result: block["tool_use_id"])
                }
            case .openai:
                let isResult = message["type"] == "function_call_output"
                meet(
                    call: message["type"] == "function_call" ? message["call_id"] : nil,
                    result: isResult ? message["call_id"] : nil)
            case .gemini:
                for part in message["parts"]?.array ?? [] {
                    meet(call: part["functionCall"]?["id"], result: part["functionResponse"]?["id"])
                }
            case .chat:
                let calls = message["tool_calls"]?.array ?? []
                for call in calls { meet(call: call["id"], result: nil) }
                if calls.isEmpty { meet(call: nil, result: message["tool_call_id"]) }
            }
        }
        #expect(open == [])
        #expect(pairs.isMultiple(of: 2))
    }
}

/// Speaks to another provider for each model.
private struct SwitchingProvider: ModelProvider {
    private let providers: [String: any ModelProvider]
    private let fallback: any ModelProvider

    init(_ transports: [Wire: WireTransport]) throws {
        providers = try Dictionary(
            uniqueKeysWithValues: transports.map { wire, transport in (wire.model, try wire.provider(transport)) })
        fallback = ScriptedProvider()
    }

    var name: String { "switching" }
    var endpoint: String { "switch" }
    var wireFormat: WireFormat { .chatCompletions }

    private func provider(_ model: String) -> any ModelProvider { providers[model] ?? fallback }

    func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        provider(model).render(group, model: model, into: &writer)
    }

    func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        try await provider(request.model).stream(request, into: sink)
    }
}
