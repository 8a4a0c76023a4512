internal import MeerkatCore
internal import MeerkatJSON

/// Fits a schema to what the API's structured output accepts.
///
/// Object schemas must be closed, and most constraints on values are refused. What is left out here is still checked when
/// the answer comes.
///
/// Source: <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>
struct AnthropicSchema {
    /// What is sent.
    let schema: JSONObject
    /// What is left out of it or changed.
    let warnings: [SchemaWarning]

    init(_ schema: JSONObject) {
        var lowering = Lowering()
        self.schema = lowering.lower(schema, at: "")
        warnings = lowering.warnings
    }

    /// Constraints that the API refuses.
    private static let unsupported: Set = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems", "additionalItems",
        "unevaluatedItems", "minProperties", "maxProperties", "patternProperties", "propertyNames",
        "unevaluatedProperties", "dependentRequired", "dependentSchemas", "dependencies", "not", "if", "then", "else",
    ]

    private struct Lowering {
        var warnings: [SchemaWarning] = []

        mutating func lower(_ schema: JSONObject, at path: String) -> JSONObject {
            var kept = JSONObject()
            for member in schema.members {
                switch (member.name, member.value) {
                case (let name, _) where AnthropicSchema.unsupported.contains(name):
                    warn(
                        path, name,
                        "is not sent, because the provider does not know it; the answer is checked against it")
                case ("minItems", let value) where value.int.map { $0 > 1 } ?? true:
                    warn(
                        path, "minItems",
                        "is not sent, because the provider knows only 0 and 1; the answer is checked against it")
                case ("oneOf", _) where schema["anyOf"] != nil:
                    warn(path, "oneOf", "is not sent beside anyOf; the answer is checked against it")
                case ("oneOf", let schemas):
                    warn(path, "oneOf", "is sent as anyOf; the answer is checked against it")
                    kept["anyOf"] = schemas
                case ("additionalProperties", let value) where value != false:
                    warn(path, "additionalProperties", "is sent as false, because the provider knows nothing else")
                default: kept[member.name] = member.value
                }
            }
            if kept["properties"]?.object != nil { kept["additionalProperties"] = false }
            var result = self
            let lowered = SchemaPositions.map(kept, at: path) { inner, path in result.lower(inner, at: path) }
            self = result
            return lowered
        }

        private mutating func warn(_ path: String, _ keyword: String, _ message: String) {
            warnings.append(SchemaWarning(provider: "anthropic", path: "\(path)/\(keyword)", message: message))
        }
    }
}
