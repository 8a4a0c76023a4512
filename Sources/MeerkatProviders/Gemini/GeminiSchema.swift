internal import MeerkatCore
internal import MeerkatJSON

/// Fits a schema to what the API's structured output knows of JSON Schema.
///
/// What is left out here is still checked when the answer comes.
///
/// Source: <https://ai.google.dev/api/generate-content#generationconfig>, `responseJsonSchema`
struct GeminiSchema {
    /// What is sent.
    let schema: JSONObject
    /// What is left out of it or understood otherwise.
    let warnings: [SchemaWarning]

    init(_ schema: JSONObject) {
        var lowering = Lowering()
        self.schema = lowering.lower(schema.withDefinitionsRenamed, at: "")
        warnings = lowering.warnings
    }

    private static let supported: Set = [
        "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
        "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties",
        "required", "propertyOrdering",
    ]

    /// What constrains nothing and can be left out without a word.
    private static let annotations: Set = [
        "$schema", "$comment", "$vocabulary", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "contentEncoding", "contentMediaType",
    ]

    private struct Lowering {
        var warnings: [SchemaWarning] = []

        mutating func lower(_ given: JSONObject, at path: String) -> JSONObject {
            let schema = given.withSoleConditionInlined
            let hasReference = schema["$ref"] != nil
            var kept = JSONObject()
            for member in schema.members {
                switch (member.name, member.value) {
                case ("title", _) where hasReference, ("description", _) where hasReference: break
                case (let name, _) where GeminiSchema.annotations.contains(name): break
                case (let name, _) where hasReference && !name.hasPrefix("$"):
                    warn(path, name, "is not sent, because the provider allows nothing beside a reference")
                case ("enum", .array(let values)): keep("enum", values, in: &kept, path)
                case ("const", let value) where schema["enum"] == nil: keep("const", [value], in: &kept, path)
                case ("items", .array) where schema["prefixItems"] == nil: kept["prefixItems"] = member.value
                case ("oneOf", _):
                    kept["oneOf"] = member.value
                    warn(path, "oneOf", "is taken for anyOf by the provider")
                case (let name, _) where GeminiSchema.supported.contains(name): kept[name] = member.value
                default: warn(path, member.name, "is not sent, because the provider does not know it")
                }
            }
            var result = self
            let lowered = SchemaPositions.map(kept, at: path) { inner, path in result.lower(inner, at: path) }
            self = result
            return lowered
        }

        /// The provider knows only texts and numbers as choices.
        private mutating func keep(
            _ keyword: String, _ values: [JSONValue], in kept: inout JSONObject, _ path: String
        ) {
            let known = values.filter { value in
                switch value {
                case .string, .number: true
                case .null, .bool, .array, .object: false
                }
            }
            if known.count < values.count {
                warn(
                    path, keyword, "is sent without what is no text or number, because the provider knows nothing else")
            }
            if !known.isEmpty { kept["enum"] = .array(known) }
        }

        private mutating func warn(_ path: String, _ keyword: String, _ message: String) {
            warnings.append(
                SchemaWarning(
                    provider: "gemini", path: "\(path)/\(keyword)",
                    message: message + "; the answer is checked against it"))
        }
    }
}

extension JSONObject {
    /// The schema with its definitions under the newer name, which is the one that the API knows.
    fileprivate var withDefinitionsRenamed: JSONObject {
        guard let definitions = self["definitions"]?.object, self["$defs"] == nil else { return self }
        var result = JSONObject()
        for member in members {
            result[member.name == "definitions" ? "$defs" : member.name] = member.value
        }
        result["$defs"] = .object(definitions)
        return result.withReferencesRenamed
    }

    /// The schema with an `allOf` of one schema replaced by that schema's members, unless both say something different
    /// with the same keyword.
    fileprivate var withSoleConditionInlined: JSONObject {
        guard let schemas = self["allOf"]?.array, schemas.count == 1, let inner = schemas[0].object,
            inner.members.allSatisfy({ self[$0.name] == nil || self[$0.name] == $0.value })
        else { return self }
        var result = self
        result["allOf"] = nil
        for member in inner.members { result[member.name] = member.value }
        return result
    }

    private var withReferencesRenamed: JSONObject {
        var result = SchemaPositions.map(self) { inner, _ in inner.withReferencesRenamed }
        let old = "#/definitions/"
        if let reference = result["$ref"]?.string, reference.hasPrefix(old) {
            result["$ref"] = .string("#/$defs/" + reference.dropFirst(old.count))
        }
        return result
    }
}
