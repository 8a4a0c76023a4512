internal import MeerkatCore
internal import MeerkatJSON

/// The value of the `structured_output` parameter: a schema, or an object that names one.
struct StructuredOutput {
    var schema: JSONObject
    var name: String
    var isStrict: Bool

    /// Nil when there is no schema in it.
    init?(_ value: JSONValue?) {
        guard let object = value?.object else { return nil }
        let names: Set = ["schema", "name", "strict", "compat", "format"]
        let isWrapped =
            object["schema"] != nil && (object["format"] == "meerkat_v1" || object.names.allSatisfy(names.contains))
        guard let schema = isWrapped ? object["schema"]?.object : object else { return nil }
        self.schema = schema
        name = isWrapped ? object["name"]?.string ?? "output" : "output"
        isStrict = isWrapped && object["strict"] == true
    }

    private init(_ output: OutputSchema) {
        schema = output.schema
        name = output.name ?? "output"
        isStrict = output.isStrict
    }

    /// What a request asks for: the schema of its run, else that of its parameters.
    init?(_ request: ModelRequest) {
        if let output = request.outputSchema {
            self.init(output)
        } else {
            self.init(request.parameters["structured_output"])
        }
    }
}
