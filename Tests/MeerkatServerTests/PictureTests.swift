import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

@Suite struct Pictures {
    private static let data = "R0lGODdhBwAJAA=="
    private static let prompt: JSONValue = [
        ["type": "text", "text": "What is it?"],
        ["type": "image", "source": ["type": "base64", "media_type": "image/gif", "data": .string(data)]],
    ]

    private static func blind(_ steps: ScriptedProvider.Step...) -> ScriptedProvider {
        ScriptedProvider(steps: steps, profile: ModelProfile(acceptsImages: false))
    }

    @Test func historyAndEventsTellOfThem() async throws {
        try await withTestClient(ScriptedProvider(.text("A cat."))) { client in
            let result = try await client.call("session/create", ["prompt": Self.prompt])
            #expect(client.events.first?["prompt"] == "What is it?")
            let history = try await client.call("session/history", ["session_id": result["session_id"] ?? nil])
            let message = try #require(history["messages"]?.array?.first)
            #expect(message["content"] == "What is it?")
            #expect(
                message["blocks"] == [
                    ["block_type": "text", "data": ["text": "What is it?"]],
                    ["block_type": "image", "data": ["media_type": "image/gif", "width": 7, "height": 9]],
                ])
        }
    }

    @Test func aModelThatSeesNoneIsNotAsked() async throws {
        let provider = Self.blind(.text("never"))
        try await withTestClient(provider) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": Self.prompt]))
            #expect(failure.code == -32602)
            #expect(failure.details == ["field": "prompt"])
            #expect(provider.requests.isEmpty)
            #expect(client.events == [])
        }
    }

    @Test(arguments: [
        (#"[]"#, "must not be empty"), (#"[{"type":"video"}]"#, "video"), (#"[{"type":"text"}]"#, "text"),
        (#"[{"type":"image","source":{"type":"base64","data":"AAAA"}}]"#, "is no PNG"),
        (#"[{"type":"image","source":{"type":"base64","data":"?"}}]"#, "is not base64"),
        (
            #"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"R0lGODdhBwAJAA=="}}]"#,
            "image/gif"
        ), (#"[{"type":"image","source":{"type":"file","path":"cat.png"}}]"#, "absolute"),
        (#"[{"type":"image","source":{"type":"file","path":"/no/such/file"}}]"#, "/no/such/file"), ("5", "string"),
    ])
    func whatIsNoPromptIsRefused(_ prompt: String, _ words: String) async throws {
        let value = try JSONValue(json: Array(prompt.utf8))
        try await withTestClient(ScriptedProvider(.text("never"))) { client in
            let failure = try #require(await client.failure("session/create", ["prompt": value]))
            #expect(failure.code == -32602)
            #expect(failure.error["message"]?.string?.contains(words) == true, "\(failure.error)")
            #expect(try await client.call("session/list")["sessions"] == [])
        }
    }
}
