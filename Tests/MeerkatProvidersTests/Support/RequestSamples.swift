import MeerkatCore
import MeerkatIO
import MeerkatJSON

@testable import MeerkatProviders

/// Requests that together have every field in them that is ever sent.
enum RequestSamples {
    typealias Definition = Configuration.ProviderDefinition

    static func of(_ format: String) throws -> [HTTPRequest] {
        switch format {
        case "anthropic": try anthropic()
        case "openai": try openai()
        case "gemini": try gemini()
        default: try chat()
        }
    }

    // MARK: What all have

    private static let model = "model"
    private static let tool = ToolDefinition(
        name: "now", description: "Tells the time.",
        inputSchema: RawJSON(encoding: ["type": "object", "properties": ["zone": ["type": "string"]]] as JSONValue))
    private static let schema: JSONObject = [
        "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
        "additionalProperties": false,
    ]
    private static let half = JSONNumber(0.5).map(JSONValue.number) ?? .null
    private static let open: JSONObject = ["type": "object", "properties": ["city": ["type": "string"]]]

    private typealias Change = @Sendable (inout ModelRequest) -> Void

    /// Changes that make sense for every format.
    private static let common: [Change] = [
        { _ in },
        { $0.tools = [tool] },
        { request in
            request.tools = [tool]
            request.usesTools = false
        },
        { $0.temperature = 0.5 },
        { $0.profile.reasons = true },
        { $0.conversation = "session" },
        { $0.outputSchema = OutputSchema(schema: schema, name: "place", isStrict: true) },
        { $0.outputSchema = OutputSchema(schema: open) },
        { request in
            request.tools = [tool]
            request.usesTools = false
            request.outputSchema = OutputSchema(schema: schema, isStrict: true)
        },
    ]

    /// A conversation in which everything happens once; `own` are the blocks that only one format has.
    private static func conversation(_ own: [Block], call data: ProviderData? = nil) throws -> [MessageGroup] {
        func result(_ id: String, _ text: String, isError: Bool) -> ToolResult {
            ToolResult(toolUseID: id, name: "now", content: [.text(text)], isError: isError, origin: .ran)
        }
        let gif = try Image(base64: "R0lGODdhBwAJAA==")
        let calls: [Block] = [
            .text("Look:"),
            .toolUse(ToolUse(id: "call_1", name: "now", arguments: try RawJSON(#"{"zone":"UTC"}"#), data: data)),
            .toolUse(ToolUse(id: "call_2", name: "now", arguments: nil, malformedArguments: "{")),
        ]
        return [
            .input(results: [], messages: [[.text("What?"), .image(gif)]]), .answer(own + calls),
            .input(
                results: [result("call_1", "noon", isError: false), result("call_2", "no zone", isError: true)],
                messages: []),
            .answer([.toolUse(ToolUse(id: "call_3", name: "now", arguments: .emptyObject))]),
            .input(results: [result("call_3", "", isError: false)], messages: [[.text("And?")]]),
            .answer([.text("Noon.")]), .input(results: [], messages: [[.text("Thanks.")]]),
        ]
    }

    private static func requests(
        _ provider: some ModelProvider, _ groups: [MessageGroup], _ changes: [Change]
    ) -> [ModelRequest] {
        (common + changes).map { change in .of(groups, by: provider, change) }
    }

    private static func parameters(_ objects: [JSONObject]) -> [Change] {
        objects.map { object in
            { request in
                request.maxTokens = 10_000
                request.tools = [tool]
                request.parameters = object
            }
        }
    }

    private static func endpoint() throws -> Endpoint { try Endpoint("https://host.example", key: APIKey("secret")) }

    // MARK: Anthropic

    private static func anthropic() throws -> [HTTPRequest] {
        let endpoint = try endpoint()
        func data(_ json: String) throws -> ProviderData { try ProviderData(.anthropicMessages, model, json) }
        let own: [Block] = [
            .reasoning(text: "Hm", data: try data(#"{"type":"thinking","signature":"s"}"#)),
            .reasoning(text: "", data: try data(#"{"type":"redacted_thinking","data":"x"}"#)),
            .opaque(try data(#"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"time"}}"#)),
            .opaque(try data(#"{"type":"web_search_tool_result","tool_use_id":"s1","content":[{"url":"u"}]}"#)),
            .opaque(try data(#"{"type":"compaction","content":"Before."}"#)),
        ]
        let provider = AnthropicProvider(ProviderConnection(endpoint))
        let changes = parameters([
            ["thinking": ["type": "enabled", "budget_tokens": 2000, "display": "summarized"]],
            ["thinking": ["type": "adaptive", "display": "omitted"], "effort": "high"],
            ["thinking": ["type": "disabled"]], ["thinking_budget": 2000], ["context": "1m"],
            ["compaction": "auto"],
            [
                "compaction": [
                    "trigger": ["type": "input_tokens", "value": 60_000], "pause_after_compaction": false,
                    "instructions": "Keep names.",
                ]
            ],
            ["cache_control": ["type": "ephemeral", "ttl": "1h"]], ["cache_control": nil],
            [
                "top_p": half, "top_k": "40", "stop_sequences": ["END"], "metadata": ["user_id": "u"],
                "service_tier": "auto", "inference_geo": "us",
            ],
            ["tool_choice": ["type": "auto", "disable_parallel_tool_use": true]],
            ["tool_choice": ["type": "tool", "name": "now"]], ["structured_output": .object(schema)],
        ])
        return requests(provider, try conversation(own), changes).map { AnthropicRequest($0).http(to: endpoint) }
    }

    // MARK: OpenAI

    private static func openai() throws -> [HTTPRequest] {
        let endpoint = try endpoint()
        func data(_ json: String) throws -> ProviderData { try ProviderData(.openAIResponses, model, json) }
        let own: [Block] = [
            .reasoning(
                text: "Hm",
                data: try data(
                    #"{"type":"reasoning","id":"r1","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"x"}"#
                )),
            .opaque(try data(#"{"type":"message","phase":"commentary"}"#)), .text("Searching."),
            .opaque(
                try data(
                    #"{"type":"web_search_call","id":"w1","status":"completed","action":{"type":"search","query":"time"}}"#
                )),
            .opaque(try data(#"{"type":"compaction","id":"c1","encrypted_content":"x"}"#)),
            .reasoning(
                text: "Hm",
                data: try data(
                    #"{"type":"reasoning","id":"r2","content":[{"type":"reasoning_text","text":"Hm"}],"summary":[]}"#)),
        ]
        let provider = OpenAIProvider(ProviderConnection(endpoint))
        let changes = parameters([
            ["reasoning_effort": "low"],
            ["reasoning": ["effort": "high", "summary": "detailed", "context": "auto", "mode": "standard"]],
            [
                "verbosity": "low", "store": true, "prompt_cache_key": "key",
                "include": ["web_search_call.action.sources"],
            ],
            ["tools": [["type": "web_search", "search_context_size": "low"]], "tool_choice": "auto"],
            ["tool_choice": ["type": "function", "name": "now"]],
            [
                "top_p": half, "top_logprobs": 2, "seed": 1, "frequency_penalty": half, "presence_penalty": half,
                "parallel_tool_calls": false, "max_tool_calls": 3, "service_tier": "auto", "truncation": "auto",
                "metadata": ["a": "b"], "user": "u", "safety_identifier": "u", "prompt_cache_retention": "24h",
                "prompt_cache_options": ["mode": "implicit"], "stream_options": ["include_obfuscation": false],
                "context_management": [["type": "compaction", "compact_threshold": 60_000]],
            ],
            ["structured_output": .object(schema), "text": ["verbosity": "high"]],
        ])
        let groups = try conversation(own, call: try data(#"{"namespace":"n"}"#))
        return requests(provider, groups, changes).map { OpenAIRequest($0).http(to: endpoint) }
    }

    // MARK: Gemini

    private static func gemini() throws -> [HTTPRequest] {
        let endpoint = try endpoint()
        func data(_ json: String) throws -> ProviderData { try ProviderData(.geminiGenerateContent, model, json) }
        let own: [Block] = [
            .reasoning(text: "Hm", data: try data(#"{"thought":true,"thoughtSignature":"t"}"#)), .text("Computing."),
            .reasoning(text: "", data: try data(#"{"thoughtSignature":"s"}"#)),
            .opaque(try data(#"{"executableCode":{"language":"PYTHON","code":"1"}}"#)),
            .opaque(try data(#"{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}}"#)),
        ]
        let provider = GeminiProvider(ProviderConnection(endpoint))
        let changes = parameters([
            ["thinking_level": "low", "include_thoughts": false], ["thinking_budget": "2000"],
            ["thinking": ["thinking_budget": 0]], ["cached_content": "cachedContents/1"],
            ["tools": [["googleSearch": [:]]]],
            [
                "max_output_tokens": 50, "temperature": 1, "top_p": half, "top_k": "40", "seed": 7,
                "stop_sequences": ["END"], "presence_penalty": half, "frequency_penalty": half,
                "safety_settings": [["category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"]],
            ],
            ["structured_output": .object(schema)],
        ])
        let groups = try conversation(own, call: try data(#"{"thoughtSignature":"c"}"#))
        return requests(provider, groups, changes).map { GeminiRequest($0).http(to: endpoint) }
    }

    // MARK: Chat Completions

    /// Each switch of the configuration in each of its positions that changes a request.
    private static let dialects: [JSONValue] = [
        [:], ["system_role": "developer", "max_tokens_field": "max_completion_tokens"], ["system_role": "user"],
        ["parallel_tool_calls": true, "tool_call_id": "alphanumeric_9"],
        ["reasoning_field": "reasoning_content", "reasoning_required": true], ["reasoning_field": "reasoning"],
        ["reasoning_field": "thinking"], ["reasoning_field": "none"],
        ["structured_output": "json_object", "usage_in_stream": false], ["structured_output": "none"],
        ["api_key_header": "api-key", "tool_call_text": true, "think_tags": false],
    ]

    private static func chat() throws -> [HTTPRequest] {
        let endpoint = try endpoint()
        let data = try ProviderData(.chatCompletions, model, #"{"field":"content"}"#)
        let groups = try conversation([.reasoning(text: "Hm", data: data)])
        let changes = parameters([
            ["structured_output": .object(schema)], ["tool_choice": "required", "reasoning_effort": "low"],
            ["tool_choice": ["type": "function", "function": ["name": "now"]]],
            ["tools": [["type": "openrouter:advisor"]]],
        ])
        return try dialects.flatMap { table in
            let definition = try Definition(config: table)
            let provider = OpenAICompatibleProvider(ProviderConnection(endpoint), definition)
            return requests(provider, groups, changes).map { request in
                ChatRequest(request, ChatDialect(definition)).http(to: endpoint)
            }
        }
    }
}
