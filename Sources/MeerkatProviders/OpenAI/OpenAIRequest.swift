internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A call of the Responses API.
///
/// The body begins with what stays the same during a session and ends with the items, so that each body begins with the
/// one before it.
struct OpenAIRequest {
    /// The least that the API takes as `max_output_tokens`.
    static let minOutputTokens = 16

    private let request: ModelRequest
    private let parameters: JSONObject
    private let wantsSummary: Bool

    /// - Parameters:
    ///   - request: What is asked.
    ///   - wantsSummary: Whether a model that thinks is asked to tell of it, unless the parameters say otherwise.
    init(_ request: ModelRequest, wantsSummary: Bool = true) {
        self.request = request
        self.wantsSummary = wantsSummary
        parameters = request.parameters
    }

    func http(to endpoint: Endpoint) -> HTTPRequest {
        var headers = [("content-type", "application/json"), ("accept", "text/event-stream")]
        if let key = endpoint.key { headers.append(("authorization", "Bearer \(key.value)")) }
        return HTTPRequest(url: Self.url(endpoint), headers: endpoint.adding(to: headers), body: body)
    }

    /// `/v1` is added unless the base URL ends in a version of its own, as Azure's `/openai/v1` does.
    private static func url(_ endpoint: Endpoint) -> String {
        let last = endpoint.path.split(separator: "/").last ?? ""
        if last == "responses" { return endpoint.base }
        let isVersion = last.first == "v" && last.dropFirst().first?.isNumber == true
        return endpoint.base + (isVersion ? "" : "/v1") + "/responses"
    }

    var body: [[UInt8]] { RequestBody.join(head: head, request.history, tail: "]}") }

    // MARK: Head

    private var head: [UInt8] {
        var writer = JSONWriter(reservingCapacity: request.instructions.utf8.count + 1024)
        writer.raw("{")
        writer.member("model", request.model)
        writer.member("stream", true)
        writer.member("store", parameters["store"]?.bool ?? false)
        writer.member("max_output_tokens", max(request.maxTokens, Self.minOutputTokens))
        writeCacheKey(to: &writer)
        if !request.instructions.isEmpty { writer.member("instructions", request.instructions) }
        writeTools(to: &writer)
        writeReasoning(to: &writer)
        if acceptsTemperature { writer.member("temperature", request.temperature) }
        let text = textSettings
        if !text.isEmpty { writer.member("text", text) }
        for name in Self.plainParameters {
            if let value = parameters[name], !value.isNull { writer.member(named: name, value) }
        }
        writer.member("input") { $0.raw("[") }
        return writer.bytes
    }

    /// Parameters that the API has under the same name; besides them and those that are read below, all are left out.
    ///
    /// The API refuses a request with a member that it does not know, and a session may have settings for several
    /// providers.
    private static let plainParameters = [
        "top_p", "top_logprobs", "seed", "frequency_penalty", "presence_penalty", "parallel_tool_calls",
        "max_tool_calls", "service_tier", "truncation", "metadata", "user", "safety_identifier",
        "prompt_cache_retention", "prompt_cache_options", "context_management", "stream_options",
    ]

    private func writeCacheKey(to writer: inout JSONWriter) {
        switch parameters["prompt_cache_key"] {
        case nil: writer.member("prompt_cache_key", request.conversation)
        case .null: break
        case let key?: writer.member("prompt_cache_key", key)
        }
    }

    private func writeTools(to writer: inout JSONWriter) {
        let further = parameters["tools"]?.array ?? []
        guard !request.tools.isEmpty || !further.isEmpty else { return }
        writer.member("tools") { writer in
            writer.writeArray { writer in
                for tool in request.tools { write(tool, to: &writer) }
                for tool in further { writer.element(tool) }
            }
        }
        // The tools stay named: calls in the history mention them, and what is cached begins with them.
        if !request.usesTools {
            writer.member("tool_choice", "none")
        } else if let choice = parameters["tool_choice"], !choice.isNull {
            writer.member("tool_choice", choice)
        }
    }

    private func write(_ tool: ToolDefinition, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "function")
                writer.member("name", tool.name)
                writer.member("description", tool.description)
                writer.member("parameters", tool.inputSchema)
                writer.member("strict", false)
            }
        }
    }

    // MARK: Reasoning

    /// What the model is told of its thinking; models that do not think refuse every word of it.
    private var reasoning: JSONObject {
        if parameters["reasoning"] == .null { return JSONObject() }
        var settings = JSONObject()
        if let effort = parameters["reasoning_effort"], effort.string != nil { settings["effort"] = effort }
        // Without this nothing is shown of what the model thinks.
        if request.profile.reasons == true, wantsSummary { settings["summary"] = "auto" }
        for member in parameters["reasoning"]?.object?.members ?? [] {
            if member.value.isNull { settings[member.name] = nil } else { settings[member.name] = member.value }
        }
        return settings
    }

    /// What the answer is to hold besides its text.
    private var inclusions: [JSONValue] {
        var names = parameters["include"]?.array ?? []
        // The server keeps nothing, so that what was thought must come along with the conversation.
        let encrypted: JSONValue = "reasoning.encrypted_content"
        if request.profile.reasons == true || !reasoning.isEmpty, !names.contains(encrypted) {
            names.insert(encrypted, at: 0)
        }
        return names
    }

    private func writeReasoning(to writer: inout JSONWriter) {
        let names = inclusions
        if !names.isEmpty { writer.member("include", names) }
        let settings = reasoning
        if !settings.isEmpty { writer.member("reasoning", settings) }
    }

    /// Models that can be told not to think take a temperature only then.
    private var acceptsTemperature: Bool {
        guard request.profile.acceptsTemperature != false else { return false }
        return [nil, "none"].contains(reasoning["effort"])
    }

    // MARK: Text

    private var textSettings: JSONObject {
        var settings = parameters["text"]?.object ?? JSONObject()
        if let verbosity = parameters["verbosity"], !verbosity.isNull { settings["verbosity"] = verbosity }
        // Models that cannot be held to a schema refuse it; the answer is checked in any case.
        guard request.profile.hasStructuredOutput != false, let output = request.requestedOutput else {
            return settings
        }
        let lowered = OpenAISchema(output)
        settings["format"] = [
            "type": "json_schema",
            "name": .string((output.name ?? "output").asIdentifier(distinctly: false, maxLength: 64)),
            "schema": .object(lowered.schema), "strict": .bool(lowered.isStrict),
        ]
        return settings
    }
}
