import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct AnthropicRequestTests {
    private let endpoint: Endpoint
    private let provider: AnthropicProvider

    init() throws {
        endpoint = try Endpoint("https://api.anthropic.com", key: APIKey("secret"))
        provider = AnthropicProvider(ProviderConnection(endpoint))
    }

    private static let prompt = MessageGroup.input(results: [], messages: [[.text("Hi")]])

    private func http(_ change: (inout ModelRequest) -> Void = { _ in }) -> HTTPRequest {
        AnthropicRequest(.of([Self.prompt], by: provider, change)).http(to: endpoint)
    }

    private func result(_ id: String, _ text: String, isError: Bool = false) -> ToolResult {
        ToolResult(toolUseID: id, name: "f", content: [.text(text)], isError: isError, origin: .ran)
    }

    @Test func aPlainRequest() {
        let request = http()
        #expect(request.method == "POST")
        #expect(request.url == "https://api.anthropic.com/v1/messages")
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "content-type: application/json", "accept: text/event-stream", "anthropic-version: 2023-06-01",
                "x-api-key: secret",
            ])
        #expect(
            request.text
                == #"{"model":"model","max_tokens":100,"stream":true,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}"#
        )
    }

    @Test func aRequestWithToolsAndSettings() throws {
        let schema = try RawJSON(#"{"type": "object"}"#)
        let request = http { request in
            request.tools = [ToolDefinition(name: "now", description: "Tells the time.", inputSchema: schema)]
            request.temperature = 0.5
            request.instructions = ""
            request.parameters = ["top_k": "40", "top_p": 0, "tool_choice": ["type": "any"], "unknown": 1]
        }
        #expect(
            request.text
                == #"{"model":"model","max_tokens":100,"stream":true,"cache_control":{"type":"ephemeral"},"tools":[{"name":"now","description":"Tells the time.","input_schema":{"type": "object"}}],"temperature":0.5,"top_k":40,"top_p":0,"tool_choice":{"type":"any"},"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}"#
        )
    }

    static let parameters: [(parameters: JSONObject, members: String, beta: String?)] = [
        (["thinking": ["type": "disabled"]], #""thinking":{"type":"disabled"},"temperature":1"#, nil),
        (["thinking": ["type": "adaptive"]], #""thinking":{"type":"adaptive"}"#, nil),
        (
            ["thinking": ["budget_tokens": 2000], "thinking_budget": 1],
            #""thinking":{"type":"enabled","budget_tokens":2000}"#, "interleaved-thinking-2025-05-14"
        ),
        (
            ["thinking_budget": 2000], #""thinking":{"type":"enabled","budget_tokens":2000}"#,
            "interleaved-thinking-2025-05-14"
        ),
        (["thinking_budget": "2000"], #""temperature":1"#, nil),
        (["effort": "high"], #""temperature":1,"output_config":{"effort":"high"}"#, nil),
        (["inference_geo": "eu"], #""temperature":1,"inference_geo":"eu""#, nil),
        (["context": "1m"], #""temperature":1"#, "context-1m-2025-08-07"),
        (
            ["compaction": "auto"],
            #""temperature":1,"context_management":{"edits":[{"type":"compact_20260112"}]}"#, "compact-2026-01-12"
        ),
        (
            ["compaction": ["trigger": ["value": 5]], "context": "1m"],
            #""temperature":1,"context_management":{"edits":[{"type":"compact_20260112","trigger":{"value":5}}]}"#,
            "context-1m-2025-08-07,compact-2026-01-12"
        ),
        (
            [
                "structured_output": [
                    "type": "object", "properties": ["properties": ["type": "object", "properties": [:]]],
                ]
            ],
            #""temperature":1,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"properties":{"type":"object","properties":{},"required":[],"additionalProperties":false}},"required":[],"additionalProperties":false}}}"#,
            nil
        ),
        (
            [
                "structured_output": ["schema": ["const": ["properties": [:]]], "name": "n", "strict": true],
                "effort": "low",
            ],
            #""temperature":1,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"const":{"properties":{}}}}}"#,
            nil
        ),
    ]

    @Test(arguments: parameters.indices)
    func parametersOfTheProvider(_ index: Int) {
        let (parameters, members, beta) = Self.parameters[index]
        let request = http { request in
            request.maxTokens = 10_000
            request.temperature = 1
            request.parameters = parameters
        }
        #expect(
            request.text
                == #"{"model":"model","max_tokens":10000,"stream":true,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],\#(members),"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}"#
        )
        #expect(request.headers.first { $0.name == "anthropic-beta" }?.value == beta)
    }

    @Test(
        arguments: [
            (["cache_control": ["type": "ephemeral", "ttl": "1h"]], #"{"type":"ephemeral","ttl":"1h"}"#),
            (["cache_control": nil], nil),
        ] as [(JSONObject, String?)])
    func cachingIsAsTheParameterSays(_ parameters: JSONObject, _ caching: String?) throws {
        let body = try JSONValue(json: Array(http { $0.parameters = parameters }.text.utf8))
        let expected = try caching.map { try JSONValue(json: Array($0.utf8)) }
        #expect(body["cache_control"] == expected)
        #expect(body["system"]?.array?.first?["cache_control"] == expected)
    }

    @Test func thinkingFitsIntoTheAnswer() throws {
        func thinking(maxTokens: Int) throws -> JSONValue? {
            let request = http { request in
                request.maxTokens = maxTokens
                request.parameters = ["thinking_budget": 4000]
            }
            return try JSONValue(json: Array(request.text.utf8))["thinking"]
        }
        #expect(try thinking(maxTokens: 4001)?["budget_tokens"] == 4000)
        #expect(try thinking(maxTokens: 4000)?["budget_tokens"] == 3999)
        #expect(try thinking(maxTokens: 1024) == nil)
    }

    @Test func picturesAreBlocks() throws {
        let image = try Image(base64: "R0lGODdhBwAJAA==")
        let group = MessageGroup.input(results: [], messages: [[.text("What?"), .image(image)], [.image(image)]])
        let source = #"{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0lGODdhBwAJAA=="}}"#
        #expect(
            rendered([group], by: provider, model: "m")
                == #"{"role":"user","content":[{"type":"text","text":"What?"},\#(source),\#(source)]}"#)
    }

    @Test func eachBodyBeginsWithTheOneBefore() {
        let groups: [MessageGroup] = [
            Self.prompt, .answer([.toolUse(ToolUse(id: "a", name: "f", arguments: .emptyObject))]),
            .input(results: [result("a", "1")], messages: []), .answer([.text("One.")]),
            .input(results: [], messages: [[.text("Why?")]]),
        ]
        for count in 1..<groups.count {
            let shorter = AnthropicRequest(.of(Array(groups.prefix(count)), by: provider)).http(to: endpoint).text
            let longer = AnthropicRequest(.of(Array(groups.prefix(count + 1)), by: provider)).http(to: endpoint).text
            #expect(shorter.hasSuffix("]}"))
            #expect(longer.hasPrefix(shorter.dropLast(2) + ","))
        }
    }

    @Test func theHistoryIsNotCopied() {
        let chunk = Array("{}".utf8)
        let body = AnthropicRequest(
            ModelRequest(
                model: "model", maxTokens: 1, instructions: "", history: RenderedHistory(chunks: [chunk, [], chunk]))
        ).body
        #expect(body.map { String(decoding: $0, as: UTF8.self) }.dropFirst() == ["{}", ",", "{}", "]}"])
        #expect(body[1].withUnsafeBufferPointer { $0.baseAddress } == chunk.withUnsafeBufferPointer { $0.baseAddress })
    }

    // MARK: Messages

    @Test func resultsComeBeforeWhatIsSaid() {
        let group = MessageGroup.input(
            results: [result("a", "1"), result("b", "", isError: true)],
            messages: [[.text("So?"), .text(" \n")], [.text("Well?")]])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"","is_error":true},{"type":"text","text":"So?"},{"type":"text","text":"Well?"}]}"#
        )
    }

    @Test func anAnswerIsShownAsItCame() throws {
        let group = MessageGroup.answer([
            .reasoning(
                text: "Hm",
                data: try ProviderData(.anthropicMessages, "model", #"{"type":"thinking","signature":"s/g"}"#)),
            .reasoning(
                text: "",
                data: try ProviderData(.anthropicMessages, "model", #"{"type":"redacted_thinking","data":"x"}"#)),
            .text("Look:"), .text(""),
            .opaque(try ProviderData(.anthropicMessages, "model", #"{"type":"server_tool_use", "n":1.0}"#)),
            .toolUse(ToolUse(id: "toolu_1", name: "f", arguments: try RawJSON(#"{"x": 1.0}"#))),
        ])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"s/g"},{"type":"redacted_thinking","data":"x"},{"type":"text","text":"Look:"},{"type":"server_tool_use", "n":1.0},{"type":"tool_use","id":"toolu_1","name":"f","input":{"x": 1.0}}]}"#
        )
    }

    @Test func whatOthersThoughtIsLeftOut() throws {
        let group = MessageGroup.answer([
            .reasoning(text: "unsigned", data: nil),
            .reasoning(
                text: "other model",
                data: try ProviderData(.anthropicMessages, "other", #"{"type":"thinking","signature":"s"}"#)),
            .reasoning(
                text: "other format", data: try ProviderData(.chatCompletions, "model", #"{"field":"reasoning"}"#)),
            .opaque(try ProviderData(.anthropicMessages, "other", #"{"type":"server_tool_use"}"#)), .text("Yes."),
        ])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"assistant","content":[{"type":"text","text":"Yes."}]}"#)
    }

    @Test func groupsOfWhichNothingIsLeftKeepTheirPlace() {
        let groups: [MessageGroup] = [
            .input(results: [], messages: [[.text(" ")]]), .answer([.reasoning(text: "Hm", data: nil)]), Self.prompt,
        ]
        #expect(
            rendered(groups, by: provider, model: "model")
                == #"{"role":"user","content":[{"type":"text","text":"(empty message)"}]},{"role":"assistant","content":[{"type":"text","text":"(no visible answer)"}]},{"role":"user","content":[{"type":"text","text":"Hi"}]}"#
        )
    }

    @Test func whatTheApiWouldRefuseIsMended() {
        let calls = [
            ToolUse(id: "f:0", name: "my.tool", arguments: nil, malformedArguments: "{"),
            ToolUse(id: "f_0", name: "", arguments: RawJSON(encoding: [1] as JSONValue)),
        ]
        #expect(
            rendered(
                [.answer(calls.map { .toolUse($0) }), .input(results: [result("f:0", "1")], messages: [])],
                by: provider,
                model: "model")
                == #"{"role":"assistant","content":[{"type":"tool_use","id":"f_3a0","name":"my_tool","input":{}},{"type":"tool_use","id":"f_0","name":"unnamed","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"f_3a0","content":"1"}]}"#
        )
    }
}
