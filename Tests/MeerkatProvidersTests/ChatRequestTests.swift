import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct ChatRequestTests {
    private let endpoint: Endpoint
    private let provider: OpenAICompatibleProvider

    init() throws {
        endpoint = try Endpoint("http://localhost:8080", key: nil)
        provider = OpenAICompatibleProvider(ProviderConnection(endpoint))
    }

    private static let prompt = MessageGroup.input(results: [], messages: [[.text("Hi")]])

    private func http(_ change: (inout ModelRequest) -> Void = { _ in }) -> HTTPRequest {
        ChatRequest(.of([Self.prompt], by: provider, change)).http(to: endpoint)
    }

    private func result(_ id: String, _ text: String) -> ToolResult {
        ToolResult(toolUseID: id, name: "f", content: [.text(text)], isError: true, origin: .ran)
    }

    @Test func aPlainRequest() {
        let request = http()
        #expect(request.url == "http://localhost:8080/v1/chat/completions")
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "content-type: application/json", "accept: text/event-stream",
            ])
        #expect(
            request.text
                == #"{"model":"model","stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
        )
    }

    @Test func aKeyIsABearerToken() throws {
        let endpoint = try Endpoint("https://openrouter.ai/api/v1/", key: APIKey(" secret\n"))
        let request = ChatRequest(.of([Self.prompt], by: provider)).http(to: endpoint)
        #expect(request.url == "https://openrouter.ai/api/v1/chat/completions")
        #expect(request.headers.last?.name == "authorization")
        #expect(request.headers.last?.value == "Bearer secret")
    }

    @Test func aRequestWithToolsAndSettings() throws {
        let schema = try RawJSON(#"{"type": "object"}"#)
        let request = http { request in
            request.tools = [ToolDefinition(name: "now", description: "Tells the time.", inputSchema: schema)]
            request.temperature = 0.5
            request.instructions = ""
            request.parameters = [
                "temperature": 0, "seed": 7, "model": "other", "messages": [], "stream": false,
                "stream_options": nil, "max_completion_tokens": 50, "tools": [["type": "web_search"]],
                "structured_output": ["schema": ["type": "object"], "strict": true],
            ]
        }
        #expect(
            request.text
                == #"{"model":"model","stream":true,"max_completion_tokens":50,"temperature":0,"seed":7,"response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{"type":"object","properties":{},"required":[]},"strict":true}},"tools":[{"type":"function","function":{"name":"now","description":"Tells the time.","parameters":{"type": "object"}}},{"type":"web_search"}],"messages":[{"role":"user","content":"Hi"}]}"#
        )
    }

    @Test func eachBodyBeginsWithTheOneBefore() {
        let groups: [MessageGroup] = [
            Self.prompt, .answer([.toolUse(ToolUse(id: "a", name: "f", arguments: .emptyObject))]),
            .input(results: [result("a", "1")], messages: []), .answer([.text("One.")]),
        ]
        for count in 1..<groups.count {
            let shorter = ChatRequest(.of(Array(groups.prefix(count)), by: provider)).http(to: endpoint).text
            let longer = ChatRequest(.of(Array(groups.prefix(count + 1)), by: provider)).http(to: endpoint).text
            #expect(longer.hasPrefix(shorter.dropLast(2) + ","))
        }
    }

    // MARK: Messages

    @Test func anInputIsToolMessagesAndOneUserMessage() {
        let group = MessageGroup.input(
            results: [result("a", "1"), result("b", "")],
            messages: [[.text("So"), .text("?")], [.text("")], [.text("Well?")]])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":""},{"role":"user","content":"So?\n\nWell?"}"#
        )
    }

    @Test func anAnswerIsOneMessage() throws {
        let group = MessageGroup.answer([
            .reasoning(
                text: "Hm", data: try ProviderData(.chatCompletions, "model", #"{"field":"reasoning_content"}"#)),
            .text("Look: "), .toolUse(ToolUse(id: "a", name: "f", arguments: try RawJSON(#"{"x": "y"}"#))),
            .text("there"), .toolUse(ToolUse(id: "b", name: "g.h", arguments: nil, malformedArguments: "{")),
        ])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"assistant","content":"Look: there","reasoning_content":"Hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": \"y\"}"}},{"id":"b","type":"function","function":{"name":"g_h","arguments":"{}"}}]}"#
        )
        #expect(
            rendered([group], by: provider, model: "other")
                == #"{"role":"assistant","content":"Look: there","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": \"y\"}"}},{"id":"b","type":"function","function":{"name":"g_h","arguments":"{}"}}]}"#
        )
    }

    @Test func reasoningBeforeAFinalAnswerIsLeftOut() throws {
        let data = try ProviderData(.chatCompletions, "model", #"{"field":"reasoning_content"}"#)
        #expect(
            rendered([.answer([.reasoning(text: "Hm", data: data), .text("Yes.")])], by: provider, model: "model")
                == #"{"role":"assistant","content":"Yes."}"#)
    }

    @Test func callsWithoutTextHaveNoContent() {
        #expect(
            rendered(
                [.answer([.toolUse(ToolUse(id: "a", name: "f", arguments: .emptyObject))])], by: provider,
                model: "model")
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}"#
        )
    }

    @Test func groupsOfWhichNothingIsLeftKeepTheirPlace() {
        let groups: [MessageGroup] = [
            .input(results: [], messages: [[.text("")]]), .answer([.reasoning(text: "Hm", data: nil)]), Self.prompt,
        ]
        #expect(
            rendered(groups, by: provider, model: "model")
                == #"{"role":"user","content":"(empty message)"},{"role":"assistant","content":"(no visible answer)"},{"role":"user","content":"Hi"}"#
        )
    }

    @Test func picturesArePartsOfTheOneMessage() throws {
        let image = try Image(base64: "R0lGODdhBwAJAA==")
        let group = MessageGroup.input(results: [], messages: [[.text("What?"), .image(image)], [.text("And why?")]])
        #expect(
            rendered([group], by: provider, model: "m")
                == #"{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODdhBwAJAA=="}},{"type":"text","text":"And why?"}]}"#
        )
    }

    @Test(arguments: [("max_tokens", 50, 50), ("max_tokens", 5000, 100), ("max_completion_tokens", 5000, 100)])
    func noParameterRaisesTheLimit(_ name: String, _ given: Int, _ sent: Int) throws {
        let request = http { $0.parameters[name] = .integer(given) }
        let body = try JSONValue(json: Array(request.text.utf8))
        #expect(body[name]?.int == sent)
    }
}
