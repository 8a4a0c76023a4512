import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct DialectTests {
    typealias Definition = Configuration.ProviderDefinition

    private static let prompt = MessageGroup.input(results: [], messages: [[.text("Hi")]])

    private static func definition(_ table: JSONValue) throws -> Definition { try Definition(config: table) }

    private func provider(_ table: JSONValue, key: String? = nil) throws -> OpenAICompatibleProvider {
        let endpoint = try Endpoint("https://host.example/v1", key: key.flatMap { APIKey($0) })
        return OpenAICompatibleProvider(ProviderConnection(endpoint), try Self.definition(table))
    }

    /// What is sent with the given table.
    private func http(
        _ table: JSONValue, key: String? = nil, _ change: (inout ModelRequest) -> Void = { _ in }
    ) throws -> HTTPRequest {
        let provider = try provider(table, key: key)
        return ChatRequest(.of([Self.prompt], by: provider, change), ChatDialect(try Self.definition(table)))
            .http(to: provider.connection.endpoint)
    }

    // MARK: Requests

    /// Tables, and the body of a request with them.
    static let bodies: [(table: JSONValue, body: String)] = [
        (
            [:],
            #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
        ),
        (
            ["system_role": "developer", "max_tokens_field": "max_completion_tokens"],
            #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":100,"messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
        ),
        // Without tools there are no calls to be made at once.
        (
            ["system_role": "user", "usage_in_stream": false, "parallel_tool_calls": true],
            #"{"model":"model","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
        ),
    ]

    @Test(arguments: bodies.indices)
    func switchesChangeTheBody(_ index: Int) throws {
        #expect(try http(Self.bodies[index].table).text == Self.bodies[index].body)
    }

    @Test func parametersStandOverTheDialect() throws {
        let table: JSONValue = ["max_tokens_field": "max_completion_tokens", "parallel_tool_calls": true]
        let schema = try RawJSON("{}")
        let request = try http(table) { request in
            request.instructions = ""
            request.tools = [ToolDefinition(name: "f", description: "F.", inputSchema: schema)]
            request.parameters = ["parallel_tool_calls": false, "max_tokens": 7]
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_tokens":7,"parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f","description":"F.","parameters":{}}}],"messages":[{"role":"user","content":"Hi"}]}"#
        )
    }

    @Test(
        arguments: [
            ([:], "authorization: Bearer secret"),
            (["api_key_header": "Authorization"], "authorization: Bearer secret"),
            (["api_key_header": "api-key"], "api-key: secret"),
        ] as [(JSONValue, String)])
    func theKeyHasItsHeader(_ table: JSONValue, _ header: String) throws {
        let headers = try http(table, key: "secret").headers.map { "\($0.name): \($0.value)" }
        #expect(headers == ["content-type: application/json", "accept: text/event-stream", header])
        #expect(try http(table).headers.count == 2)
    }

    @Test func modelsAreListedWithTheSameHeader() async throws {
        let transport = ScriptedTransport(
            ScriptedTransport.Answer(
                headers: [(name: "content-type", value: "application/json")],
                pieces: [Array(#"{"data":[{"id":"m"}]}"#.utf8)]))
        let connection = ProviderConnection(
            name: "test", endpoint: try Endpoint("https://host.example/v1", key: APIKey("secret")),
            transport: transport, clock: StoppedClock())
        let provider = OpenAICompatibleProvider(connection, try Self.definition(["api_key_header": "api-key"]))
        #expect(try await provider.models() == ["m"])
        #expect(transport.requests.map(\.url) == ["https://host.example/v1/models"])
        #expect(transport.requests.first?.headers.map { "\($0.name): \($0.value)" } == ["api-key: secret"])
    }

    // MARK: Messages

    private static func answer(_ field: String?, id: String = "call_1") throws -> [MessageGroup] {
        let data = try field.map { try ProviderData(.chatCompletions, "model", #"{"field":"\#($0)"}"#) }
        return [
            .answer([
                .reasoning(text: "Hm", data: data), .text("Look."),
                .toolUse(ToolUse(id: id, name: "f", arguments: .emptyObject)),
            ]),
            .input(
                results: [ToolResult(toolUseID: id, name: "f", content: [], isError: false, origin: .ran)], messages: []
            ),
        ]
    }

    private static let call =
        #""tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":""}"#

    /// A table, where the reasoning came from, and the beginning of the message that it is sent back in.
    static let replays: [(table: JSONValue, field: String?, message: String)] = [
        ([:], "reasoning", #""content":"Look.","reasoning":"Hm","#),
        ([:], "content", #""content":"<think>Hm</think>\n\nLook.","#),
        ([:], nil, #""content":"Look.","#),
        (["reasoning_field": "thinking"], "reasoning", #""content":"Look.","thinking":"Hm","#),
        (["reasoning_field": "reasoning_content"], "content", #""content":"Look.","reasoning_content":"Hm","#),
        (["reasoning_field": "none"], "reasoning", #""content":"Look.","#),
        (["reasoning_required": true], nil, #""content":"Look.","reasoning_content":"","#),
        (["reasoning_required": true], "reasoning", #""content":"Look.","reasoning":"Hm","#),
    ]

    @Test(arguments: replays.indices)
    func reasoningIsSentBack(_ index: Int) throws {
        let (table, field, message) = Self.replays[index]
        let text = rendered(try Self.answer(field), by: try provider(table), model: "model")
        #expect(text == #"{"role":"assistant","# + message + Self.call)
    }

    @Test func reasoningIsNotRequiredOfAnswersWithoutCalls() throws {
        let text = rendered(
            [.answer([.text("Hi")])], by: try provider(["reasoning_required": true]), model: "model")
        #expect(text == #"{"role":"assistant","content":"Hi"}"#)
    }

    @Test func idsOfCallsCanBeNineLettersAndDigits() throws {
        let provider = try provider(["tool_call_id": "alphanumeric_9"])
        func ids(_ id: String) throws -> [String] {
            let text = rendered(try Self.answer(nil, id: id), by: provider, model: "model")
            let messages = try JSONValue(json: Array("[\(text)]".utf8)).array ?? []
            return [messages[0]["tool_calls"]?.array?.first?["id"]?.string, messages[1]["tool_call_id"]?.string]
                .compactMap { $0 }
        }
        #expect(try ids("aB3456789") == ["aB3456789", "aB3456789"])
        let made = try ["call_1", "call_2", "", "toolu_01A09q90qw90lq917835lq9", "äB345678"].map { try ids($0) }
        for pair in made {
            #expect(pair.count == 2 && pair[0] == pair[1])
            #expect(pair[0].utf8.count == 9 && pair[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        }
        #expect(Set(made).count == made.count)
        #expect(try ids("call_1") == made[0])
    }

    // MARK: Structured output

    private static let schema = OutputSchema(schema: ["type": "object"])
    private static let words =
        #"Answer with one JSON value that fits this JSON Schema, and nothing else: no explanation, no code fence.\n\n{\"type\":\"object\",\"properties\":{},\"required\":[]}"#

    @Test func aSchemaIsToldInWordsToServersThatDoNotKnowSchemas() throws {
        let head = #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"#
        let format = #""response_format":{"type":"json_object"},"#
        let messages =
            #""messages":[{"role":"system","content":"Be brief.\n\n\#(Self.words)"},{"role":"user","content":"Hi"}]}"#
        func ask(_ request: inout ModelRequest) { request.outputSchema = Self.schema }
        #expect(try http(["structured_output": "json_object"], ask).text == head + format + messages)
        #expect(try http(["structured_output": "none"], ask).text == head + messages)
        let bare = try http(["structured_output": "none"]) { request in
            ask(&request)
            request.instructions = ""
            request.usesTools = false
        }
        #expect(
            bare.text
                == head + #""messages":[{"role":"system","content":"\#(Self.words)"},{"role":"user","content":"Hi"}]}"#)
    }

    @Test func theQuestionForTheFinalAnswerHasTheSchemaItself() throws {
        let schema = try RawJSON("{}")
        let request = try http(["structured_output": "json_object"]) { request in
            request.outputSchema = Self.schema
            request.tools = [ToolDefinition(name: "f", description: "F.", inputSchema: schema)]
            request.usesTools = false
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"response_format":{"type":"json_object"},"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
        )
    }

    @Test func anObjectIsNotAskedForWhenTheSchemaWantsSomethingElse() throws {
        let request = try http(["structured_output": "json_object"]) { request in
            request.outputSchema = OutputSchema(schema: ["type": "array"])
        }
        #expect(!request.text.contains("response_format"))
    }

    @Test func whoDoesNotEnforceASchemaWarns() throws {
        let message = "is told to the model in words only, because the provider does not enforce schemas"
        let warning = SchemaWarning(provider: "test", path: "", message: message)
        #expect(try provider([:]).warnings(for: Self.schema) == [])
        #expect(try provider(["structured_output": "json_schema"]).warnings(for: Self.schema) == [])
        #expect(try provider(["structured_output": "json_object"]).warnings(for: Self.schema) == [warning])
        #expect(try provider(["structured_output": "none"]).warnings(for: Self.schema) == [warning])
    }
}
