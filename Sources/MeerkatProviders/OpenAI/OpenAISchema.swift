internal import MeerkatCore
internal import MeerkatJSON

/// Fits a schema to what the API's strict mode accepts.
///
/// Strict mode holds the model to the schema while it writes, and therefore wants to know all members of all objects:
/// each is closed, and each property required. Where that would change what the schema asks for, strict mode is not
/// used: the schema is sent as it is, as a wish. Constraints that strict mode refuses are left out, as far as the
/// answer still can be checked against them when it comes.
///
/// Source: <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>
struct OpenAISchema {
    /// What is sent.
    let schema: JSONObject
    /// Whether strict mode is asked for.
    let isStrict: Bool
    /// What is left out or changed.
    let warnings: [SchemaWarning]

    init(_ output: OutputSchema) {
        guard output.isStrict else {
            (schema, isStrict, warnings) = (output.schema, false, [])
            return
        }
        var lowering = Lowering()
        let lowered = lowering.lower(output.schema, at: "")
        isStrict = lowering.obstacles.isEmpty
        schema = isStrict ? lowered : output.schema
        warnings = isStrict ? lowering.warnings : lowering.obstacles
    }

    /// All keywords that the API takes.
    private static let supported: Set = [
        "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMaximum",
        "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf", "pattern",
        "properties", "required", "title", "type",
    ]

    /// Keywords without which a schema would ask for something else.
    private static let essential: Set = [
        "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "additionalItems", "allOf", "definitions",
        "patternProperties", "prefixItems",
    ]

    /// Keywords that ask for nothing.
    private static let names: Set = ["$comment", "$id", "$schema"]

    /// The only formats of strings that the API knows.
    private static let formats: Set<JSONValue> = [
        "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
    ]

    /// Keywords that say what a value is.
    private static let kinds = ["type", "anyOf", "oneOf", "enum", "const", "$ref"]

    private struct Lowering {
        var warnings: [SchemaWarning] = []
        /// Why strict mode cannot be used.
        var obstacles: [SchemaWarning] = []

        mutating func lower(_ schema: JSONObject, at path: String) -> JSONObject {
            var kept = JSONObject()
            for member in schema.members {
                switch (member.name, member.value) {
                case (let name, _) where OpenAISchema.names.contains(name): continue
                case (let name, _) where OpenAISchema.essential.contains(name):
                    obstruct(path, name, "is unknown to the provider")
                case ("oneOf", _) where schema["anyOf"] != nil:
                    warn(path, "oneOf", "is not sent beside anyOf; the answer is checked against it")
                case ("oneOf", let schemas):
                    warn(path, "oneOf", "is sent as anyOf; the answer is checked against it")
                    kept["anyOf"] = schemas
                case ("format", let value) where !OpenAISchema.formats.contains(value): warnOfLoss(path, "format")
                case (let name, _) where !OpenAISchema.supported.contains(name): warnOfLoss(path, name)
                default: kept[member.name] = member.value
                }
            }
            if path.isEmpty, schema["type"] != "object" { obstruct(path, "type", "is not \"object\"") }
            if !path.isEmpty, !OpenAISchema.kinds.contains(where: { schema[$0] != nil }) {
                obstruct(path, "type", "is missing")
            }
            if isObject(schema) { close(&kept, at: path) }
            var result = self
            let lowered = SchemaPositions.map(kept, at: path) { inner, path in result.lower(inner, at: path) }
            self = result
            return lowered
        }

        private func isObject(_ schema: JSONObject) -> Bool {
            schema["properties"]?.object?.isEmpty == false || schema["type"] == "object"
                || schema["type"]?.array?.contains("object") == true
        }

        /// Makes an object schema one that names all members there are.
        private mutating func close(_ schema: inout JSONObject, at path: String) {
            let names = schema["properties"]?.object?.names ?? []
            let others = schema["additionalProperties"]
            schema["additionalProperties"] = false
            if others != false, others?.object != nil || names.isEmpty {
                obstruct(path, "additionalProperties", "lets the answer hold any members")
            } else if let others, others != false {
                warn(path, "additionalProperties", "is sent as false, because the provider knows nothing else")
            }
            let required = schema["required"]?.array ?? []
            let optional = names.filter { !required.contains(.string($0)) }
            if !optional.isEmpty {
                obstruct(path, "required", "leaves out \(optional.map(\.quoted).joined(separator: ", "))")
            }
        }

        private mutating func warnOfLoss(_ path: String, _ keyword: String) {
            warn(
                path, keyword, "is not sent, because the provider does not know it; the answer is checked against it")
        }

        private mutating func warn(_ path: String, _ keyword: String, _ message: String) {
            warnings.append(SchemaWarning(provider: "openai", path: "\(path)/\(keyword)", message: message))
        }

        private mutating func obstruct(_ path: String, _ keyword: String, _ why: String) {
            obstacles.append(
                SchemaWarning(
                    provider: "openai", path: "\(path)/\(keyword)",
                    message: "\(why), so that the provider's strict mode is not used"))
        }
    }
}
