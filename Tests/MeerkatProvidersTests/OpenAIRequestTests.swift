import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct OpenAIRequestTests {
    private let endpoint: Endpoint
    private let provider: OpenAIProvider

    init() throws {
        endpoint = try Endpoint("https://api.openai.com", key: APIKey("secret"))
        provider = OpenAIProvider(ProviderConnection(endpoint))
    }

    private static let prompt = MessageGroup.input(results: [], messages: [[.text("Hi")]])
    private static let input =
        #""input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]}"#

    private func http(_ change: (inout ModelRequest) -> Void = { _ in }) -> HTTPRequest {
        OpenAIRequest(.of([Self.prompt], by: provider, change)).http(to: endpoint)
    }

    private func result(_ id: String, _ text: String) -> ToolResult {
        ToolResult(toolUseID: id, name: "f", content: [.text(text)], isError: true, origin: .ran)
    }

    private func reasoning(_ json: String, model: String = "model") throws -> Block {
        .reasoning(text: "Hm", data: try ProviderData(.openAIResponses, model, json))
    }

    private func opaque(_ json: String, model: String = "model") throws -> Block {
        .opaque(try ProviderData(.openAIResponses, model, json))
    }

    private func call(_ id: String) -> Block {
        .toolUse(ToolUse(id: id, name: "f", arguments: .emptyObject))
    }

    private func answer(_ blocks: [Block], model: String = "model") -> String {
        rendered([.answer(blocks)], by: provider, model: model)
    }

    // MARK: Head

    @Test func aPlainRequest() {
        let request = http()
        #expect(request.method == "POST")
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "content-type: application/json", "accept: text/event-stream", "authorization: Bearer secret",
            ])
        #expect(
            request.text
                == #"{"model":"model","stream":true,"store":false,"max_output_tokens":100,"instructions":"Be brief.","#
                + Self.input)
    }

    @Test(arguments: [
        ("https://api.openai.com", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/responses"),
        ("https://x.openai.azure.com/openai/v1", "https://x.openai.azure.com/openai/v1/responses"),
        ("https://x.openai.azure.com/openai", "https://x.openai.azure.com/openai/v1/responses"),
        ("https://ark.example.com/api/v3", "https://ark.example.com/api/v3/responses"),
        ("https://example.com/proxy/responses", "https://example.com/proxy/responses"),
    ])
    func theVersionIsAddedWhereItIsMissing(base: String, url: String) throws {
        let endpoint = try Endpoint(base, key: nil, headers: [Endpoint.Header(name: "api-key", value: "secret")])
        let request = OpenAIRequest(.of([Self.prompt], by: provider)).http(to: endpoint)
        #expect(request.url == url)
        #expect(request.headers.map(\.name) == ["content-type", "accept", "api-key"])
    }

    @Test func aRequestWithToolsAndSettings() throws {
        let schema = try RawJSON(#"{"type": "object"}"#)
        let request = http { request in
            request.tools = [ToolDefinition(name: "now", description: "Tells the time.", inputSchema: schema)]
            request.temperature = 0.5
            request.instructions = ""
            request.maxTokens = 1
            request.conversation = "s1"
            request.parameters = [
                "tools": [["type": "web_search"]], "tool_choice": "required", "verbosity": "low", "top_p": 1,
                "metadata": ["a": "b"], "user": nil, "include": ["web_search_call.action.sources"], "unknown": 1,
                "model": "other", "input": [], "stream": false,
            ]
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"store":false,"max_output_tokens":16,"prompt_cache_key":"s1","tools":[{"type":"function","name":"now","description":"Tells the time.","parameters":{"type": "object"},"strict":false},{"type":"web_search"}],"tool_choice":"required","include":["web_search_call.action.sources"],"temperature":0.5,"text":{"verbosity":"low"},"top_p":1,"metadata":{"a":"b"},"#
                + Self.input)
    }

    @Test func toolsThatMustNotBeCalledStayNamed() {
        let request = http { request in
            request.tools = [ToolDefinition(name: "now", description: "", inputSchema: .emptyObject)]
            request.usesTools = false
            request.parameters = ["tool_choice": "required", "store": true, "prompt_cache_key": nil]
            request.conversation = "s1"
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"store":true,"max_output_tokens":100,"instructions":"Be brief.","tools":[{"type":"function","name":"now","description":"","parameters":{},"strict":false}],"tool_choice":"none","#
                + Self.input)
    }

    private static let encrypted = #""include":["reasoning.encrypted_content"],"#

    static let reasoningSettings: [(reasons: Bool?, parameters: JSONObject, members: String)] = [
        (nil, [:], #""temperature":1,"#), (false, [:], #""temperature":1,"#),
        (true, [:], encrypted + #""reasoning":{"summary":"auto"},"temperature":1,"#),
        (true, ["reasoning": nil], encrypted + #""temperature":1,"#),
        (true, ["reasoning": ["summary": nil]], encrypted + #""temperature":1,"#),
        (
            true, ["reasoning_effort": "none"],
            encrypted + #""reasoning":{"effort":"none","summary":"auto"},"temperature":1,"#
        ),
        (true, ["reasoning_effort": "high"], encrypted + #""reasoning":{"effort":"high","summary":"auto"},"#),
        (nil, ["reasoning_effort": "low"], encrypted + #""reasoning":{"effort":"low"},"#),
        (
            true, ["reasoning_effort": "low", "reasoning": ["effort": "max", "summary": "detailed"]],
            encrypted + #""reasoning":{"effort":"max","summary":"detailed"},"#
        ),
    ]

    @Test(arguments: reasoningSettings.indices)
    func onlyModelsThatThinkAreToldOfIt(_ index: Int) {
        let (reasons, parameters, members) = Self.reasoningSettings[index]
        let request = http { request in
            request.profile.reasons = reasons
            request.temperature = 1
            request.parameters = parameters
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"store":false,"max_output_tokens":100,"instructions":"Be brief.",\#(members)"#
                + Self.input)
    }

    @Test func aTemperatureThatIsRefusedIsNotSent() {
        let request = http { request in
            request.profile.acceptsTemperature = false
            request.temperature = 1
        }
        #expect(!request.text.contains("temperature"))
    }

    @Test func anAnswerMayBeHeldToASchema() throws {
        let schema: JSONObject = ["type": "object", "properties": ["a": ["type": "string"]], "required": ["a"]]
        let request = http { request in
            request.outputSchema = OutputSchema(schema: schema, name: "my answer", isStrict: true)
            request.parameters = ["structured_output": ["type": "object"], "text": ["verbosity": "high"]]
        }
        #expect(
            request.text.contains(
                #""text":{"verbosity":"high","format":{"type":"json_schema","name":"my_answer","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},"strict":true}},"input""#
            ))
        let other = http { $0.parameters = ["structured_output": ["type": "object"]] }
        #expect(
            other.text.contains(
                #""text":{"format":{"type":"json_schema","name":"output","schema":{"type":"object","properties":{},"required":[]},"strict":false}},"input""#
            ))
    }

    @Test func aModelThatCannotBeHeldToASchemaIsNotGivenOne() {
        let request = http { request in
            request.profile.hasStructuredOutput = false
            request.outputSchema = OutputSchema(schema: ["type": "object"])
        }
        #expect(!request.text.contains("json_schema"))
    }

    @Test func eachBodyBeginsWithTheOneBefore() throws {
        let groups: [MessageGroup] = [
            Self.prompt,
            .answer([try reasoning(#"{"type":"reasoning","encrypted_content":"x","summary":[]}"#), call("a")]),
            .input(results: [result("a", "1")], messages: []), .answer([.text("One.")]),
        ]
        for count in 1..<groups.count {
            let shorter = OpenAIRequest(.of(Array(groups.prefix(count)), by: provider)).http(to: endpoint).text
            let longer = OpenAIRequest(.of(Array(groups.prefix(count + 1)), by: provider)).http(to: endpoint).text
            #expect(shorter.hasSuffix("]}"))
            #expect(longer.hasPrefix(shorter.dropLast(2) + ","))
        }
    }

    // MARK: Items

    @Test func anInputIsResultsAndOneMessage() throws {
        let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        let group = MessageGroup.input(
            results: [result("a", "1"), result("b.1", "")],
            messages: [[.text("So"), .text("")], [.image(try Image(base64: png))]])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"type":"function_call_output","call_id":"a","output":"1"},{"type":"function_call_output","call_id":"b_2e1","output":""},{"type":"message","role":"user","content":[{"type":"input_text","text":"So"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,\#(png)"}]}"#
        )
    }

    @Test func anAnswerIsItsItemsInOrder() throws {
        let blocks: [Block] = [
            try reasoning(
                #"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"x"}"#
            ),
            try opaque(#"{"type":"message","phase":"commentary"}"#), .text("Look:"), .text(""),
            try opaque(#"{"id": "ws_1", "type": "web_search_call"}"#),
            try reasoning(#"{"id":"rs_2","type":"reasoning","content":[{"type":"reasoning_text","text":"Hm"}]}"#),
            .toolUse(
                ToolUse(
                    id: "a", name: "f", arguments: try RawJSON(#"{"x": 1.0}"#),
                    data: try ProviderData(.openAIResponses, "model", #"{"namespace":"n"}"#))),
            .toolUse(ToolUse(id: "b", name: "g.h", arguments: nil, malformedArguments: "{")),
        ]
        #expect(
            answer(blocks)
                == #"{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"x"},{"type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"Look:"}]},{"id": "ws_1", "type": "web_search_call"},{"id":"rs_2","type":"reasoning","content":[{"type":"reasoning_text","text":"Hm"}],"summary":[]},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\": 1.0}","namespace":"n"},{"type":"function_call","call_id":"b","name":"g_h","arguments":"{}"}"#
        )
        // Another model is shown only what was said and called.
        #expect(
            answer(blocks, model: "other")
                == #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Look:"}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\": 1.0}"},{"type":"function_call","call_id":"b","name":"g_h","arguments":"{}"}"#
        )
    }

    private static let said = #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."}]}"#
    private static let called = #"{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}"#

    @Test func reasoningIsSentOnlyWithItsItem() throws {
        let item = #"{"type":"reasoning","summary":[],"encrypted_content":"x"}"#
        let thought = try reasoning(item)
        #expect(answer([thought, .text("Yes.")]) == item + "," + Self.said)
        #expect(answer([thought, thought, call("a")]) == [item, item, Self.called].joined(separator: ","))
        #expect(answer([.text("Yes."), thought]) == Self.said)
        #expect(answer([thought, .text(""), call("a")]) == item + "," + Self.called)
        // A second thought that cannot be sent stands between the first and its item.
        #expect(answer([thought, .reasoning(text: "Hm", data: nil), .text("Yes.")]) == Self.said)
    }

    @Test(arguments: [
        #"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm"}]}"#,
        #"{"type":"reasoning","id":"rs_1","summary":[],"content":[],"encrypted_content":""}"#,
    ])
    func reasoningThatOnlyNamesWhatIsStoredIsNotSent(_ item: String) throws {
        let search = try opaque(#"{"type":"web_search_call","id":"ws_1"}"#)
        #expect(answer([try reasoning(item), search, .text("Yes.")]) == Self.said)
    }

    @Test func whatOthersThoughtIsLeftOut() throws {
        let blocks: [Block] = [
            .reasoning(text: "no data", data: nil),
            try reasoning(#"{"type":"reasoning","encrypted_content":"x"}"#, model: "other"),
            .reasoning(text: "Hm", data: try ProviderData(.chatCompletions, "model", #"{"field":"reasoning"}"#)),
            try opaque(#"{"type":"web_search_call"}"#, model: "other"), .text("Yes."),
        ]
        #expect(answer(blocks) == Self.said)
    }

    @Test func callsOfTheServersThatNobodyAnsweredAreLeftOut() throws {
        let patch = try opaque(#"{"type":"apply_patch_call","call_id":"p"}"#)
        #expect(answer([patch, .text("Yes.")]) == Self.said)
        let shell = #"{"type":"shell_call","call_id":"s"}"#
        let output = #"{"type":"shell_call_output","call_id":"s"}"#
        #expect(
            answer([try opaque(shell), try opaque(output), .text("Yes.")])
                == [shell, output, Self.said].joined(separator: ","))
    }

    @Test func itemsOfUnknownTypesKeepTheReasoningBeforeThem() throws {
        let item = #"{"type":"reasoning","summary":[],"encrypted_content":"x"}"#
        let program = #"{"type":"program","id":"p_1","call_id":"p","code":"f()","fingerprint":"y"}"#
        #expect(
            answer([try reasoning(item), try opaque(program), call("a")])
                == [item, program, Self.called].joined(separator: ","))
        let output = #"{"type":"program_output","call_id":"p","result":"1"}"#
        #expect(
            answer([try opaque(output), try reasoning(item), .text("Yes.")])
                == [output, item, Self.said].joined(separator: ","))
    }

    @Test func groupsOfWhichNothingIsLeftKeepTheirPlace() {
        let groups: [MessageGroup] = [
            .input(results: [], messages: [[.text("")]]), .answer([.reasoning(text: "Hm", data: nil)]), Self.prompt,
        ]
        #expect(
            rendered(groups, by: provider, model: "model")
                == #"{"type":"message","role":"user","content":[{"type":"input_text","text":"(empty message)"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"(no visible answer)"}]},{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}"#
        )
    }

    @Test func anAccountThatMaySeeNoSummariesIsAskedForNoneFromThenOn() async throws {
        let refusal =
            #"{"error":{"message":"Verify!","type":"invalid_request_error","param":"reasoning.summary","code":"unsupported_value"}}"#
        let answer = stream(OpenAIStreamDecoderTests.hello + [OpenAIStreamDecoderTests.completed()])
        let transport = ScriptedTransport(
            ScriptedTransport.Answer(
                status: 400, headers: [(name: "content-type", value: "application/json")],
                pieces: [Array(refusal.utf8)]),
            ScriptedTransport.Answer(pieces: [answer]))
        let provider = OpenAIProvider(
            ProviderConnection(
                name: "openai", endpoint: try Endpoint("http://localhost", key: nil), transport: transport,
                clock: StoppedClock()))
        let request = ModelRequest.of([], by: provider) { $0.profile.reasons = true }
        for _ in 0..<2 { _ = try await provider.stream(request, into: CollectingSink()) }
        let summaries = try transport.requests.map { try JSONValue(json: Array($0.text.utf8))["reasoning"]?["summary"] }
        #expect(summaries == ["auto", nil, nil])
    }
}
