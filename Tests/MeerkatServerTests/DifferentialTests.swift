import MeerkatCore
import MeerkatJSON
import MeerkatTesting
import Testing

/// The same conversation with each of the providers is the same conversation.
@Suite struct Differences {
    /// Everything that was shown of a conversation.
    private struct Shown: Equatable {
        var results: [JSONValue] = []
        var events: [JSONValue] = []
        var histories: [JSONValue] = []
    }

    private typealias Turn = (prompt: String, scripts: [ModelScript])

    private static let turns: [Turn] = [
        ("Hello", [ModelScript(.text("Hello, you."))]),
        ("Think", [ModelScript(.thought("Let me see."), .text("I thought."))]),
        (
            "Do two things",
            [
                ModelScript(
                    .thought("Two calls."), .text("At once:"),
                    .call(id: "call_a", name: "works", arguments: #"{"x":[1,"ü"]}"#),
                    .call(id: "call_b", name: "broken", arguments: #"{"y":2}"#)),
                ModelScript(.text("One worked.")),
            ]
        ),
        (
            "Do one thing",
            [ModelScript(.call(id: "call_c", name: "works", arguments: nil)), ModelScript(.text("It worked."))]
        ),
        ("Go on and on", [ModelScript(.text("And so on and"), end: .maxTokens)]),
        ("Do harm", [ModelScript(.refusal("I will not."), end: .contentFilter)]),
        ("Anything else?", [ModelScript(.text("No."))]),
    ]

    private static let schema: JSONValue = [
        "type": "object", "properties": ["capital": ["type": "string"]], "required": ["capital"],
        "additionalProperties": false,
    ]
    private static let tools: [any Tool] = [RecordingTool(name: "works"), FailingTool()]

    private static func conversation(with wire: Wire, _ turns: [Turn] = turns) async throws -> Shown {
        let answer = ModelScript(.thought("France."), .text(#"{"capital":"Paris"}"#))
        let provider = try wire.provider(WireTransport(wire, turns.flatMap(\.scripts) + [answer]))
        var shown = Shown()
        func take(_ client: TestClient, _ request: JSONValue) async {
            do throws(TestClient.Failure) { shown.results.append(try await client.answer(request)) } catch {
                shown.results.append(error.error)
            }
        }
        var configuration = Configuration()
        // Otherwise the order in which calls end is left to chance.
        configuration.tools.maxConcurrent = 1
        try await withTestClient(provider, tools: tools, configuration: configuration) { client in
            let session = try await client.call("session/create", ["initial_turn": false])["session_id"] ?? .null
            for turn in turns {
                await take(
                    client, client.request("turn/start", ["session_id": session, "prompt": .string(turn.prompt)]))
            }
            shown.histories.append(try await client.call("session/history", ["session_id": session]))
            shown.histories.append(try await client.call("session/read", ["session_id": session]))
            shown.events = joined(client.events)
        }
        try await withTestClient(provider) { client in
            await take(client, client.request("session/create", ["prompt": "France?", "output_schema": schema]))
            shown.events += joined(client.events)
        }
        shown.results = shown.results.map(\.withoutProvider)
        shown.events = shown.events.map(\.withoutProvider)
        shown.histories = shown.histories.map(\.withoutProvider)
        return shown
    }

    /// The events with the deltas that follow each other joined: how a text is cut is up to the server.
    private static func joined(_ events: [JSONValue]) -> [JSONValue] {
        events.reduce(into: []) { joined, event in
            guard let last = joined.last, last["type"] == event["type"], let more = event["delta"]?.string,
                let text = last["delta"]?.string, var object = last.object
            else { return joined.append(event) }
            object["delta"] = .string(text + more)
            joined[joined.count - 1] = .object(object)
        }
    }

    @Test(arguments: [Wire.openai, .gemini, .chat])
    func aConversationIsTheSame(_ wire: Wire) async throws {
        let expected = try await Self.conversation(with: .anthropic)
        let shown = try await Self.conversation(with: wire)
        #expect(
            expected.events.compactMap { $0["type"] == "turn_completed" ? $0["stop_reason"]?.string : nil } == [
                "end_turn", "end_turn", "tool_use", "end_turn", "tool_use", "end_turn", "max_tokens", "content_filter",
                "end_turn", "end_turn",
            ])
        #expect(expected.results.last?["structured_output"] == ["capital": "Paris"])
        #expect(expected.events.filter { $0["is_error"] == true }.count == 2)
        Self.compare(shown, expected)
    }

    /// Gemini has no calls that are cut off: it sends arguments whole.
    @Test(arguments: [Wire.openai, .chat])
    func aCallThatIsCutOffIsTheSame(_ wire: Wire) async throws {
        let turns: [Turn] = [
            (
                "Do it",
                [
                    ModelScript(.call(id: "call_a", name: "works", arguments: #"{"x":[1,"#), end: .maxTokens),
                    ModelScript(.text("I tried.")),
                ]
            )
        ]
        let expected = try await Self.conversation(with: .anthropic, turns)
        #expect(expected.results.first?["text"] == "I tried.")
        Self.compare(try await Self.conversation(with: wire, turns), expected)
    }

    private static func compare(_ shown: Shown, _ expected: Shown) {
        for (shown, expected) in [
            (shown.results, expected.results), (shown.events, expected.events), (shown.histories, expected.histories),
        ] {
            #expect(shown.count == expected.count)
            for (shown, expected) in zip(shown, expected) { #expect(shown.text == expected.text) }
        }
    }
}

extension JSONValue {
    /// The value without what only tells whom was spoken to.
    fileprivate var withoutProvider: JSONValue {
        switch self {
        case .object(let object):
            var rest = JSONObject()
            for member in object.members where !["provider", "model", "endpoint", "meta"].contains(member.name) {
                rest[member.name] = member.value.withoutProvider
            }
            return .object(rest)
        case .array(let elements): return .array(elements.filter { !$0.isSignature }.map(\.withoutProvider))
        case .null, .bool, .number, .string: return self
        }
    }

    /// Whether it is reasoning without a word, which only holds what a provider wants back.
    private var isSignature: Bool { self["block_type"] == "reasoning" && self["data"]?["text"] == "" }

    fileprivate var text: String { String(decoding: jsonBytes, as: UTF8.self) }
}
