internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A call of a Chat Completions server.
///
/// The body begins with what stays the same during a session and ends with the messages, so that each body begins with
/// the one before it.
struct ChatRequest {
    private let request: ModelRequest

    init(_ request: ModelRequest) {
        self.request = request
    }

    func http(to endpoint: Endpoint) -> HTTPRequest {
        var headers = [("content-type", "application/json"), ("accept", "text/event-stream")]
        if let key = endpoint.key { headers.append(("authorization", "Bearer \(key.value)")) }
        return HTTPRequest(url: Self.url(endpoint), headers: endpoint.adding(to: headers), body: body)
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
        var settings: JSONObject = ["stream_options": ["include_usage": true]]
        // Servers that know the newer name of the limit refuse both at once.
        if request.parameters["max_completion_tokens"] == nil { settings["max_tokens"] = .integer(request.maxTokens) }
        if let temperature = request.temperature.flatMap(JSONNumber.init), request.profile.acceptsTemperature != false {
            settings["temperature"] = .number(temperature)
        }
        for member in request.parameters.members where !Self.reserved.contains(member.name) {
            settings[member.name] = member.value
        }
        if let output = request.requestedOutput {
            settings["response_format"] = [
                "type": "json_schema",
                "json_schema": [
                    "name": .string(output.name ?? "output"), "schema": .object(output.schema),
                    "strict": .bool(output.isStrict),
                ],
            ]
        }
        return settings
    }

    /// What no parameter may replace; tools of the parameters come behind ours.
    private static let reserved: Set = ["model", "messages", "stream", "tools", "structured_output"]

    private func writeTools(to writer: inout JSONWriter) {
        // Many servers cannot give an answer a form while there are tools.
        guard request.usesTools else { return }
        let further = request.parameters["tools"]?.array ?? []
        guard !request.tools.isEmpty || !further.isEmpty else { return }
        writer.member("tools") { writer in
            writer.writeArray { writer in
                for tool in request.tools { write(tool, to: &writer) }
                for tool in further { writer.element(tool) }
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
        guard !request.instructions.isEmpty else { return }
        writer.element { writer in
            writer.writeObject { writer in
                writer.member("role", "system")
                writer.member("content", request.instructions)
            }
        }
    }
}
