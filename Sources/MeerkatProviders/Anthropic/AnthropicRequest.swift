internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A call of the Messages API.
///
/// The body begins with what stays the same during a session and ends with the messages, so that each body begins with
/// the one before it.
struct AnthropicRequest {
    private let request: ModelRequest
    private let parameters: JSONObject
    private let thinking: JSONObject?
    private let output: OutputSchema?

    init(_ request: ModelRequest) {
        self.request = request
        parameters = request.parameters
        thinking = Self.thinking(request.parameters, maxTokens: request.maxTokens)
        output = request.requestedOutput
    }

    func http(to endpoint: Endpoint) -> HTTPRequest {
        var headers = [
            ("content-type", "application/json"), ("accept", "text/event-stream"), ("anthropic-version", "2023-06-01"),
        ]
        let features = betas
        if !features.isEmpty { headers.append(("anthropic-beta", features.joined(separator: ","))) }
        if let key = endpoint.key { headers.append(("x-api-key", key.value)) }
        let root = endpoint.base.hasSuffix("/v1") ? endpoint.base : endpoint.base + "/v1"
        return HTTPRequest(url: root + "/messages", headers: endpoint.adding(to: headers), body: body)
    }

    var body: [[UInt8]] { RequestBody.join(head: head, request.history, tail: "]}") }

    // MARK: Head

    private var head: [UInt8] {
        var writer = JSONWriter(reservingCapacity: request.instructions.utf8.count + 1024)
        writer.raw("{")
        writer.member("model", request.model)
        writer.member("max_tokens", request.maxTokens)
        writer.member("stream", true)
        if !caching.isNull { writer.member("cache_control", caching) }
        writeInstructions(to: &writer)
        let further = parameters["tools"]?.array ?? []
        if !request.tools.isEmpty || !further.isEmpty {
            writer.member("tools") { writer in
                writer.writeArray { writer in
                    for tool in request.tools { writer.element(tool) }
                    for tool in further { writer.element(tool) }
                }
            }
        }
        // Calls in the history need the tools to be named even when none may be called.
        if !request.tools.isEmpty, !request.usesTools { writer.member("tool_choice", ["type": "none"] as JSONObject) }
        writer.member("thinking", thinking)
        // With thinking the API accepts no temperature of ours.
        if thinking == nil || thinking?["type"] == "disabled", request.profile.acceptsTemperature != false {
            writer.member("temperature", request.temperature)
        }
        writeSettings(to: &writer)
        writer.member("messages") { $0.raw("[") }
        return writer.bytes
    }

    /// Writes the instructions; what stands before them is cached for all sessions that begin alike.
    private func writeInstructions(to writer: inout JSONWriter) {
        guard !request.instructions.isEmpty else { return }
        writer.member("system") { writer in
            writer.writeArray { writer in
                writer.element { writer in
                    writer.writeObject { writer in
                        writer.member("type", "text")
                        writer.member("text", request.instructions)
                        if !caching.isNull { writer.member("cache_control", caching) }
                    }
                }
            }
        }
    }

    /// How prompts are cached: for five minutes, unless the parameter says otherwise; null does not.
    ///
    /// With the member at the top the API itself caches all up to the last message.
    /// Source: <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>
    private var caching: JSONValue { parameters["cache_control"] ?? ["type": "ephemeral"] }

    /// Parameters that the API has under the same name.
    private static let plainParameters = [
        "top_p", "stop_sequences", "tool_choice", "metadata", "service_tier", "inference_geo",
    ]

    private func writeSettings(to writer: inout JSONWriter) {
        // From a command line every value is a string.
        if let value = parameters["top_k"], let count = value.int ?? value.string.flatMap({ Int($0) }) {
            writer.member("top_k", count)
        }
        for name in Self.plainParameters {
            if name == "tool_choice", !request.usesTools { continue }
            if let value = parameters[name], !value.isNull { writer.member(named: name, value) }
        }
        let settings = outputConfig
        if !settings.isEmpty { writer.member("output_config", settings) }
        writer.member("context_management", contextManagement)
    }

    /// What thinking is asked for: `thinking` with a type or a budget, or `thinking_budget`.
    ///
    /// The API wants the budget to be from 1024 to less than `maxTokens`, which a limit of the run may have lowered.
    private static func thinking(_ parameters: JSONObject, maxTokens: Int) -> JSONObject? {
        var asked = asked(parameters)
        guard let budget = asked?["budget_tokens"]?.int, budget >= maxTokens else { return asked }
        guard maxTokens > 1024 else { return nil }
        asked?["budget_tokens"] = .integer(maxTokens - 1)
        return asked
    }

    private static func asked(_ parameters: JSONObject) -> JSONObject? {
        func enabled(_ budget: JSONValue) -> JSONObject { ["type": "enabled", "budget_tokens": budget] }
        if let thinking = parameters["thinking"]?.object {
            if let budget = thinking["budget_tokens"], budget.int != nil {
                var result = enabled(budget)
                if let display = thinking["display"] { result["display"] = display }
                return result
            }
            return thinking["type"] == nil ? nil : thinking
        }
        guard let budget = parameters["thinking_budget"], budget.int != nil else { return nil }
        return enabled(budget)
    }

    private var outputConfig: JSONObject {
        var settings = JSONObject()
        if let effort = parameters["effort"], effort.string != nil { settings["effort"] = effort }
        if let output {
            settings["format"] = ["type": "json_schema", "schema": .object(AnthropicSchema(output.schema).schema)]
        }
        return settings
    }

    private var contextManagement: JSONObject? {
        var edit: JSONObject = ["type": "compact_20260112"]
        switch parameters["compaction"] {
        case "auto": break
        case .object(let settings): for member in settings.members { edit[member.name] = member.value }
        default: return nil
        }
        return ["edits": [.object(edit)]]
    }

    /// Features that the API has only when they are named in a header.
    private var betas: [String] {
        var names: [String] = []
        if thinking?["type"] == "enabled" { names.append("interleaved-thinking-2025-05-14") }
        if parameters["context"] == "1m" { names.append("context-1m-2025-08-07") }
        if contextManagement != nil { names.append("compact-2026-01-12") }
        return names
    }
}
