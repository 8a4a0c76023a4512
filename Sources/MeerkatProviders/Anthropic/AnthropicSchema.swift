internal import MeerkatJSON

/// Fits a schema to what the API's structured output accepts.
enum AnthropicSchema {
    /// The schema with `additionalProperties: false` wherever properties are listed and nothing is said about others.
    static func closed(_ schema: JSONObject) -> JSONObject {
        var result = JSONObject()
        for member in schema.members { result[member.name] = closed(member.name, member.value) }
        if schema["properties"]?.object != nil, schema["additionalProperties"] == nil {
            result["additionalProperties"] = false
        }
        return result
    }

    /// Only schemas are changed: a property may be called `properties`, and data may look like a schema.
    private static func closed(_ keyword: String, _ value: JSONValue) -> JSONValue {
        switch (keyword, value) {
        case ("properties", .object(let schemas)), ("patternProperties", .object(let schemas)),
            ("dependentSchemas", .object(let schemas)), ("$defs", .object(let schemas)),
            ("definitions", .object(let schemas)):
            var result = JSONObject()
            for member in schemas.members { result[member.name] = closed(schema: member.value) }
            return .object(result)
        case ("allOf", .array(let schemas)), ("anyOf", .array(let schemas)), ("oneOf", .array(let schemas)),
            ("prefixItems", .array(let schemas)), ("items", .array(let schemas)):
            return .array(schemas.map(closed(schema:)))
        case ("items", _), ("additionalItems", _), ("unevaluatedItems", _), ("contains", _),
            ("additionalProperties", _),
            ("unevaluatedProperties", _), ("propertyNames", _), ("not", _), ("if", _), ("then", _), ("else", _):
            return closed(schema: value)
        default:
            return value
        }
    }

    private static func closed(schema value: JSONValue) -> JSONValue {
        if case .object(let schema) = value { .object(closed(schema)) } else { value }
    }
}
