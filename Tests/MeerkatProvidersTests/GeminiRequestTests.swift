import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct GeminiRequestTests {
    private let endpoint: Endpoint
    private let provider: GeminiProvider

    init() throws {
        endpoint = try Endpoint("https://generativelanguage.googleapis.com", key: APIKey("secret"))
        provider = GeminiProvider(ProviderConnection(endpoint))
    }

    private static let prompt = MessageGroup.input(results: [], messages: [[.text("Hi")]])
    private static let contents = #""contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#

    private func http(_ change: (inout ModelRequest) -> Void = { _ in }) -> HTTPRequest {
        GeminiRequest(.of([Self.prompt], by: provider, change)).http(to: endpoint)
    }

    private func result(_ id: String, _ text: String, isError: Bool = false) -> ToolResult {
        ToolResult(toolUseID: id, name: "f", content: [.text(text)], isError: isError, origin: .ran)
    }

    private func ours(_ json: String, model: String = "model") throws -> ProviderData {
        try ProviderData(.geminiGenerateContent, model, json)
    }

    @Test func aPlainRequest() {
        let request = http()
        #expect(request.method == "POST")
        #expect(
            request.url
                == "https://generativelanguage.googleapis.com/v1beta/models/model:streamGenerateContent?alt=sse")
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "content-type: application/json", "accept: text/event-stream", "x-goog-api-key: secret",
            ])
        #expect(
            request.text
                == #"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"generationConfig":{"maxOutputTokens":100},\#(Self.contents)"#
        )
    }

    @Test(arguments: [
        ("https://x", "m", "https://x/v1beta/models/m"), ("https://x/v1beta/", "m", "https://x/v1beta/models/m"),
        ("https://x/v1", "models/m", "https://x/v1/models/m"),
        ("https://x/proxy/v1alpha", "tunedModels/m", "https://x/proxy/v1alpha/tunedModels/m"),
        ("https://x/proxy", "m 1?k=%é#:", "https://x/proxy/v1beta/models/m%201%3Fk%3D%25%C3%A9%23%3A"),
    ])
    func theURLNamesTheModel(_ base: String, _ model: String, _ expected: String) throws {
        let request = ModelRequest(
            model: model, maxTokens: 1, instructions: "", history: RenderedHistory(chunks: []))
        let endpoint = try Endpoint(base, key: nil, headers: [Endpoint.Header(name: "Accept", value: "x")])
        let http = GeminiRequest(request).http(to: endpoint)
        #expect(http.url == expected + ":streamGenerateContent?alt=sse")
        #expect(http.headers.map(\.name) == ["content-type", "Accept"])
    }

    private static let tool = ToolDefinition(
        name: "now", description: "Tells the time.", inputSchema: RawJSON(encoding: ["type": "object"] as JSONValue))
    private static let declarations =
        #""tools":[{"functionDeclarations":[{"name":"now","description":"Tells the time.","parametersJsonSchema":{"type":"object"}}]}"#

    @Test func aRequestWithToolsAndSettings() {
        let request = http { request in
            request.tools = [Self.tool]
            request.temperature = 0.5
            request.instructions = ""
            request.parameters = [
                "top_k": "40", "top_p": 0, "stop_sequences": ["1"], "seed": 7, "presence_penalty": nil,
                "frequency_penalty": "0.5", "tools": [["googleSearch": [:]]], "unknown": 1,
                "safety_settings": [["category": "C", "threshold": "T"]],
            ]
        }
        #expect(
            request.text
                == #"{\#(Self.declarations),{"googleSearch":{}}],"safetySettings":[{"category":"C","threshold":"T"}],"generationConfig":{"maxOutputTokens":100,"temperature":0.5,"topP":0,"topK":40,"seed":7,"stopSequences":["1"],"frequencyPenalty":0.5},\#(Self.contents)"#
        )
    }

    @Test func toolsThatMayNotBeCalledAreNamedUnlessTheAnswerHasAForm() {
        func text(_ output: OutputSchema?) -> String {
            http { request in
                request.tools = [Self.tool]
                request.usesTools = false
                request.instructions = ""
                request.outputSchema = output
                request.parameters = ["tools": [["googleSearch": [:]]]]
            }.text
        }
        #expect(
            text(nil)
                == #"{\#(Self.declarations)],"toolConfig":{"functionCallingConfig":{"mode":"NONE"}},"generationConfig":{"maxOutputTokens":100},\#(Self.contents)"#
        )
        #expect(
            text(OutputSchema(schema: ["type": "object", "minProperties": 1]))
                == #"{"generationConfig":{"maxOutputTokens":100,"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{},"required":[]}},\#(Self.contents)"#
        )
        #expect(
            provider.warnings(for: OutputSchema(schema: ["type": "object", "minProperties": 1])).map(\.path)
                == ["/minProperties"])
    }

    @Test func aCacheHoldsInstructionsAndTools() {
        let request = http { request in
            request.tools = [Self.tool]
            // No parameter takes the limit away.
            request.parameters = ["cached_content": "cachedContents/1", "max_output_tokens": nil]
        }
        #expect(
            request.text
                == #"{"cachedContent":"cachedContents/1","generationConfig":{"maxOutputTokens":100},\#(Self.contents)"#)
    }

    static let parameters: [(profile: ModelProfile, parameters: JSONObject, members: String)] = [
        (ModelProfile(acceptsTemperature: false), [:], ""),
        (ModelProfile(), ["temperature": nil], ""),
        (ModelProfile(reasons: true), [:], #","temperature":1,"thinkingConfig":{"includeThoughts":true}"#),
        (ModelProfile(reasons: true), ["include_thoughts": nil], #","temperature":1"#),
        (
            ModelProfile(reasons: true), ["include_thoughts": false],
            #","temperature":1,"thinkingConfig":{"includeThoughts":false}"#
        ),
        (
            ModelProfile(reasons: true), ["thinking_budget": "2000"],
            #","temperature":1,"thinkingConfig":{"thinkingBudget":2000,"includeThoughts":true}"#
        ),
        (
            ModelProfile(reasons: true), ["thinking_budget": 0],
            #","temperature":1,"thinkingConfig":{"thinkingBudget":0}"#
        ),
        (
            ModelProfile(reasons: false), ["thinking": ["thinking_budget": -1, "include_thoughts": true]],
            #","temperature":1,"thinkingConfig":{"thinkingBudget":-1,"includeThoughts":true}"#
        ),
        (
            ModelProfile(), ["thinking_level": "low", "thinking_budget": 5],
            #","temperature":1,"thinkingConfig":{"thinkingLevel":"low"}"#
        ),
        (ModelProfile(), ["thinking_budget": "much", "thinking": true], #","temperature":1"#),
        (
            ModelProfile(), ["structured_output": ["schema": ["const": 1], "name": "n"]],
            #","temperature":1,"responseMimeType":"application/json","responseJsonSchema":{"enum":[1]}"#
        ),
    ]

    @Test(arguments: parameters.indices)
    func parametersOfTheProvider(_ index: Int) {
        let (profile, parameters, members) = Self.parameters[index]
        let request = http { request in
            request.temperature = 1
            request.profile = profile
            request.parameters = parameters
        }
        #expect(
            request.text
                == #"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"generationConfig":{"maxOutputTokens":100\#(members)},\#(Self.contents)"#
        )
    }

    @Test func eachBodyBeginsWithTheOneBefore() {
        let groups: [MessageGroup] = [
            Self.prompt, .answer([.toolUse(ToolUse(id: "a", name: "f", arguments: .emptyObject))]),
            .input(results: [result("a", "1")], messages: []), .answer([.text("One.")]),
            .input(results: [], messages: [[.text("Why?")]]),
        ]
        for count in 1..<groups.count {
            let shorter = GeminiRequest(.of(Array(groups.prefix(count)), by: provider)).http(to: endpoint).text
            let longer = GeminiRequest(.of(Array(groups.prefix(count + 1)), by: provider)).http(to: endpoint).text
            #expect(shorter.hasSuffix("]}"))
            #expect(longer.hasPrefix(shorter.dropLast(2) + ","))
        }
    }

    // MARK: Contents

    @Test func resultsComeBeforeWhatIsSaid() throws {
        let png =
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        let group = MessageGroup.input(
            results: [result("gemini_1", "1"), result("given", "", isError: true)],
            messages: [[.text("So?"), .image(try Image(base64: png))], [.text("Well?")]])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"content":"1","error":false}}},{"functionResponse":{"id":"given","name":"f","response":{"content":"","error":true}}},{"text":"So?"},{"inlineData":{"mimeType":"image/png","data":"\#(png)"}},{"text":"Well?"}]}"#
        )
    }

    @Test func anAnswerIsShownAsItCame() throws {
        let group = MessageGroup.answer([
            .reasoning(text: "Hm", data: try ours(#"{"thought":true,"thoughtSignature":"t"}"#)), .text("a"),
            .reasoning(text: "", data: try ours(#"{"thoughtSignature":"s"}"#)), .text("b"),
            .reasoning(text: "", data: try ours(#"{"text":"","thoughtSignature":"e"}"#)),
            .opaque(try ours(#"{"executableCode": {"code":"1"},"thoughtSignature":"x"}"#)),
            .toolUse(
                ToolUse(
                    id: "given", name: "f", arguments: try RawJSON(#"{"x": 1.0}"#),
                    data: try ours(#"{"thoughtSignature":"c"}"#))),
            .toolUse(ToolUse(id: "gemini_2", name: "g", arguments: .emptyObject)),
        ])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"model","parts":[{"text":"Hm","thought":true,"thoughtSignature":"t"},{"text":"a","thoughtSignature":"s"},{"text":"b"},{"text":"","thoughtSignature":"e"},{"executableCode": {"code":"1"},"thoughtSignature":"x"},{"functionCall":{"id":"given","name":"f","args":{"x": 1.0}},"thoughtSignature":"c"},{"functionCall":{"name":"g","args":{}}}]}"#
        )
    }

    @Test func whatTheDecoderReadIsShownWhereItStood() {
        let parts =
            #"{"text":"a","thoughtSignature":"s"},{"text":"b"},{"text":"","thoughtSignature":"e"},{"functionCall":{"id":"1","name":"f","args":{"x":1.0}},"thoughtSignature":"c"},{"codeExecutionResult":{"output":""}}"#
        let answer = Outcome.gemini(stream(GeminiStreamDecoderTests.parts(parts), GeminiStreamDecoderTests.end("STOP")))
        #expect(
            rendered([.answer(answer.content ?? [])], by: provider, model: "gemini")
                == #"{"role":"model","parts":[\#(parts)]}"#)
    }

    @Test func whatOthersThoughtIsLeftOut() throws {
        let signature = #"{"thoughtSignature":"s"}"#
        let group = MessageGroup.answer([
            .reasoning(text: "unsigned", data: nil), .text("Yes."),
            .reasoning(text: "", data: try ours(signature, model: "other")),
            .reasoning(text: "other format", data: try ProviderData(.anthropicMessages, "model", signature)),
            .opaque(try ours(#"{"executableCode":{}}"#, model: "other")),
            .toolUse(ToolUse(id: "a", name: "f", arguments: nil, data: try ours(signature, model: "other"))),
        ])
        #expect(
            rendered([group], by: provider, model: "model")
                == #"{"role":"model","parts":[{"text":"Yes."},{"functionCall":{"id":"a","name":"f","args":{}}}]}"#)
    }

    @Test(arguments: [
        ("gemini-3-pro-preview", true), ("models/Gemini-3.1-flash", true), ("gemini-flash-latest", true),
        ("gemini-2.5-pro", false), ("gemini-1.5-pro", false), ("gemma-3-27b", false),
    ])
    func callsOfOthersAreSignedWhereTheModelWantsIt(_ model: String, isSigned: Bool) {
        let calls = ["a", "b"].map { Block.toolUse(ToolUse(id: $0, name: "f", arguments: .emptyObject)) }
        let signature = isSigned ? #","thoughtSignature":"skip_thought_signature_validator""# : ""
        #expect(
            rendered([.answer(calls)], by: provider, model: model)
                == #"{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}}\#(signature)},{"functionCall":{"id":"b","name":"f","args":{}}}]}"#
        )
    }

    @Test func groupsOfWhichNothingIsLeftKeepTheirPlace() {
        let groups: [MessageGroup] = [
            .input(results: [], messages: [[.text("")]]), .answer([.reasoning(text: "Hm", data: nil)]), Self.prompt,
        ]
        #expect(
            rendered(groups, by: provider, model: "model")
                == #"{"role":"user","parts":[{"text":"(empty message)"}]},{"role":"model","parts":[{"text":"(no visible answer)"}]},{"role":"user","parts":[{"text":"Hi"}]}"#
        )
    }

    @Test func whatTheAPIWouldRefuseIsMended() {
        let calls = [
            ToolUse(id: "a", name: "my.tool:x", arguments: nil, malformedArguments: "{"),
            ToolUse(id: "b", name: "mein tööl", arguments: RawJSON(encoding: [1] as JSONValue)),
            ToolUse(id: "c", name: "", arguments: .emptyObject),
        ]
        #expect(
            rendered([.answer(calls.map { .toolUse($0) })], by: provider, model: "model")
                == #"{"role":"model","parts":[{"functionCall":{"id":"a","name":"my.tool:x","args":{}}},{"functionCall":{"id":"b","name":"mein_t____l","args":{}}},{"functionCall":{"id":"c","name":"unnamed","args":{}}}]}"#
        )
    }
}
