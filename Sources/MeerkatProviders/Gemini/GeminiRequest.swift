internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A call of `streamGenerateContent`.
///
/// The body begins with what stays the same during a session and ends with the contents, so that each body begins with
/// the one before it.
struct GeminiRequest {
    private let request: ModelRequest
    private let parameters: JSONObject
    private let output: OutputSchema?

    init(_ request: ModelRequest) {
        self.request = request
        parameters = request.parameters
        output = request.requestedOutput
    }

    func http(to endpoint: Endpoint) -> HTTPRequest {
        var headers = [("content-type", "application/json"), ("accept", "text/event-stream")]
        if let key = endpoint.key { headers.append(("x-goog-api-key", key.value)) }
        return HTTPRequest(url: url(endpoint), headers: endpoint.adding(to: headers), body: body)
    }

    private static let versions: Set = ["v1", "v1alpha", "v1beta"]

    private func url(_ endpoint: Endpoint) -> String {
        let hasVersion = endpoint.path.split(separator: "/").last.map { Self.versions.contains(String($0)) } ?? false
        let root = endpoint.base + (hasVersion ? "" : "/v1beta")
        // A name with a path in it is that of the resource, such as `tunedModels/mine`.
        let resource = request.model.contains("/") ? request.model : "models/\(request.model)"
        return "\(root)/\(resource.percentEncodedPath):streamGenerateContent?alt=sse"
    }

    var body: [[UInt8]] { RequestBody.join(head: head, request.history, tail: "]}") }

    // MARK: Head

    private var head: [UInt8] {
        var writer = JSONWriter(reservingCapacity: request.instructions.utf8.count + 1024)
        writer.raw("{")
        // A cache holds instructions and tools itself, and the API refuses to be told of them twice.
        let cache = parameters["cached_content"]?.string
        if cache == nil {
            writeInstructions(to: &writer)
            writeTools(to: &writer)
        }
        writer.member("cachedContent", cache)
        if let settings = parameters["safety_settings"], !settings.isNull { writer.member("safetySettings", settings) }
        writer.member("generationConfig", generationConfig)
        writer.member("contents") { $0.raw("[") }
        return writer.bytes
    }

    private func writeInstructions(to writer: inout JSONWriter) {
        guard !request.instructions.isEmpty else { return }
        writer.member("systemInstruction") { writer in
            writer.writeObject { writer in
                writer.member("parts", [["text": .string(request.instructions)]] as JSONValue)
            }
        }
    }

    private func writeTools(to writer: inout JSONWriter) {
        // Where no tool may be called, older models refuse to give an answer a form when they are told of tools.
        guard request.usesTools || output == nil else { return }
        let further = request.usesTools ? parameters["tools"]?.array ?? [] : []
        guard !request.tools.isEmpty || !further.isEmpty else { return }
        writer.member("tools") { writer in
            writer.writeArray { writer in
                if !request.tools.isEmpty { writer.element { writeDeclarations(to: &$0) } }
                for tool in further { writer.element(tool) }
            }
        }
        guard !request.usesTools else { return }
        writer.member("toolConfig", ["functionCallingConfig": ["mode": "NONE"]] as JSONObject)
    }

    private func writeDeclarations(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("functionDeclarations") { writer in
                writer.writeArray { writer in
                    for tool in request.tools { writer.element { write(tool, to: &$0) } }
                }
            }
        }
    }

    private func write(_ tool: ToolDefinition, to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("name", tool.name)
            writer.member("description", tool.description)
            writer.member("parametersJsonSchema", tool.inputSchema)
        }
    }

    // MARK: Settings

    /// Parameters that the API has under another spelling.
    private static let plainParameters: KeyValuePairs = [
        "max_output_tokens": "maxOutputTokens", "temperature": "temperature", "top_p": "topP", "top_k": "topK",
        "seed": "seed", "stop_sequences": "stopSequences", "presence_penalty": "presencePenalty",
        "frequency_penalty": "frequencyPenalty",
    ]

    /// Our defaults with the parameters of the session over them; null takes a default away.
    private var generationConfig: JSONObject {
        var settings: JSONObject = ["maxOutputTokens": .integer(request.maxTokens)]
        if let temperature = request.temperature.flatMap(JSONNumber.init), request.profile.acceptsTemperature != false {
            settings["temperature"] = .number(temperature)
        }
        for (name, spelling) in Self.plainParameters {
            guard let value = parameters[name] else { continue }
            // A parameter may lower the limit, which the run's own limits may have lowered already.
            if spelling == "maxOutputTokens", value.asNumberIfAny.int ?? .max > request.maxTokens { continue }
            settings[spelling] = value.isNull ? JSONValue?.none : value.asNumberIfAny
        }
        let thinking = thinkingConfig
        if !thinking.isEmpty { settings["thinkingConfig"] = .object(thinking) }
        if let output {
            settings["responseMimeType"] = "application/json"
            settings["responseJsonSchema"] = .object(GeminiSchema(output.schema).schema)
        }
        return settings
    }

    private var thinkingConfig: JSONObject {
        func parameter(_ name: String) -> JSONValue? { parameters[name] ?? parameters["thinking"]?[name] }
        var config = JSONObject()
        // The API takes one of the two.
        if let level = parameter("thinking_level"), level.string != nil {
            config["thinkingLevel"] = level
        } else if let budget = parameter("thinking_budget")?.asNumberIfAny, budget.int != nil {
            config["thinkingBudget"] = budget
        }
        switch parameter("include_thoughts") {
        case .bool(let isIncluded): config["includeThoughts"] = .bool(isIncluded)
        // A model that is not to think refuses to show what it thinks.
        case nil where request.profile.reasons == true && config["thinkingBudget"]?.int != 0:
            config["includeThoughts"] = true
        default: break
        }
        return config
    }
}

extension JSONValue {
    /// The number that a string spells, else the value: from a command line every value is a string.
    fileprivate var asNumberIfAny: JSONValue {
        guard let text = string, let value = try? JSONValue(json: Array(text.utf8)), case .number = value else {
            return self  // a string that is no JSON is no number
        }
        return value
    }
}

extension String {
    /// The text as a path of a URL; slashes remain.
    fileprivate var percentEncodedPath: String {
        var result = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += byte < 0x10 ? "%0" : "%"
                result += String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
