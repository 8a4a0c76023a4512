internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A call of a Chat Completions server.
///
/// The body begins with what stays the same during a session and ends with the messages, so that each body begins with
/// the one before it.
struct ChatRequest {
    private let request: ModelRequest
    private let dialect: ChatDialect
    private let output: OutputSchema?

    init(_ request: ModelRequest, _ dialect: ChatDialect = ChatDialect()) {
        self.request = request
        self.dialect = dialect
        output = request.requestedOutput
    }

    func http(to endpoint: Endpoint) -> HTTPRequest {
        let headers = [("content-type", "application/json"), ("accept", "text/event-stream")]
        return HTTPRequest(
            url: Self.url(endpoint), headers: endpoint.adding(to: headers + dialect.keyHeaders(of: endpoint)),
            body: body)
    }

    /// A server is often given by its address alone; whoever writes a path knows where the API is.
    private static func url(_ endpoint: Endpoint) -> String {
        let suffix = "/chat/completions"
        if endpoint.path.hasSuffix(suffix) { return endpoint.base }
        return endpoint.base + (endpoint.path.isEmpty ? "/v1" : "") + suffix
    }

    var body: [[UInt8]] { RequestBody.join(head: head, request.history, tail: "]}") }

    // MARK: Head

    private var head: [UInt8] {
        var writer = JSONWriter(reservingCapacity: request.instructions.utf8.count + 1024)
        writer.raw("{")
        writer.member("model", request.model)
        writer.member("stream", true)
        for member in settings.members where !member.value.isNull { writer.member(named: member.name, member.value) }
        writeTools(to: &writer)
        writer.member("messages") { writer in
            writer.raw("[")
            writeInstructions(to: &writer)
        }
        return writer.bytes
    }

    /// Our defaults with the parameters of the session over them; null takes a default away.
    private var settings: JSONObject {
        var settings = JSONObject()
        if dialect.asksForUsage { settings["stream_options"] = ["include_usage": true] }
        // Servers that know both names of the limit refuse both at once.
        let limits = Definition.LimitField.allCases.filter { request.parameters[$0.rawValue] != nil }
        for field in limits.isEmpty ? [dialect.limitField] : limits {
            settings[field.rawValue] = .integer(request.maxTokens)
        }
        if let temperature = request.temperature.flatMap(JSONNumber.init), request.profile.acceptsTemperature != false {
            settings["temperature"] = .number(temperature)
        }
        if hasTools, let isParallel = dialect.parallelToolCalls { settings["parallel_tool_calls"] = .bool(isParallel) }
        for member in request.parameters.members where !Self.reserved.contains(member.name) {
            // A parameter may lower the limit, which the run's own limits may have lowered already.
            if Definition.LimitField(rawValue: member.name) != nil, member.value.int ?? .max > request.maxTokens {
                continue
            }
            settings[member.name] = member.value
        }
        if let format = responseFormat { settings["response_format"] = format }
        return settings
    }

    private typealias Definition = Configuration.ProviderDefinition

    /// What no parameter may replace; tools of the parameters come behind ours.
    private static let reserved: Set = ["model", "messages", "stream", "tools", "structured_output"]

    private var furtherTools: [JSONValue] { request.parameters["tools"]?.array ?? [] }

    /// Many servers cannot give an answer a form while there are tools.
    private var hasTools: Bool { request.usesTools && !(request.tools.isEmpty && furtherTools.isEmpty) }

    private func writeTools(to writer: inout JSONWriter) {
        guard hasTools else { return }
        writer.member("tools") { writer in
            writer.writeArray { writer in
                for tool in request.tools { write(tool, to: &writer) }
                for tool in furtherTools { writer.element(tool) }
            }
        }
    }

    private func write(_ tool: ToolDefinition, to writer: inout JSONWriter) {
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("type", "function")
                writer.member("function") { writer in
                    writer.writeObject { writer in
                        writer.member("name", tool.name)
                        writer.member("description", tool.description)
                        writer.member("parameters", tool.inputSchema)
                    }
                }
            }
        }
    }

    private func writeInstructions(to writer: inout JSONWriter) {
        let text = [request.instructions, schemaPrompt].filter { !$0.isEmpty }.joined(separator: "\n\n")
        guard !text.isEmpty else { return }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("role", dialect.systemRole.rawValue)
                writer.member("content", text)
            }
        }
    }

    // MARK: Structured output

    private var responseFormat: JSONValue? {
        guard let output else { return nil }
        switch dialect.structuredOutput {
        case .jsonSchema:
            return [
                "type": "json_schema",
                "json_schema": [
                    "name": .string(output.name ?? "output"), "schema": .object(output.schema),
                    "strict": .bool(output.isStrict),
                ],
            ]
        case .jsonObject:
            // A schema of anything but an object could not be met.
            let type = output.schema["type"]?.string ?? "object"
            return type == "object" ? ["type": "json_object"] : nil
        case .byPrompt: return nil
        }
    }

    /// The schema in words, for servers that cannot be given it; empty for the others.
    ///
    /// With tools, the question for the final answer has the schema in it. Without, the schema stays for all calls of
    /// the session, so that bodies go on beginning alike.
    private var schemaPrompt: String {
        guard let output, dialect.structuredOutput != .jsonSchema, request.usesTools || request.tools.isEmpty else {
            return ""
        }
        return """
            Answer with one JSON value that fits this JSON Schema, and nothing else: no explanation, no code fence.

            \(String(decoding: output.schema.jsonBytes, as: UTF8.self))
            """
    }
}
