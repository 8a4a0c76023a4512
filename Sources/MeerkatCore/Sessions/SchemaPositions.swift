public import MeerkatJSON

/// Where schemas stand inside a schema.
///
/// A property may be called `properties`, and data may look like a schema: only what stands in one of these places is
/// one.
public enum SchemaPositions {
    /// Keywords whose value is a schema.
    private static let single: Set = [
        "items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "unevaluatedProperties",
        "propertyNames", "not", "if", "then", "else", "contentSchema",
    ]
    /// Keywords whose value is a list of schemas.
    private static let lists: Set = ["allOf", "anyOf", "oneOf", "prefixItems", "items"]
    /// Keywords whose value holds schemas under names of the author's choice.
    private static let named: Set = [
        "properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies",
    ]

    /// The schema with each schema directly inside it replaced by what `change` makes of it and its JSON pointer.
    public static func map(
        _ schema: JSONObject, at path: String = "", _ change: (JSONObject, String) -> JSONObject
    ) -> JSONObject {
        func changed(_ value: JSONValue, _ path: String) -> JSONValue {
            if case .object(let inner) = value { .object(change(inner, path)) } else { value }
        }
        var result = JSONObject()
        for member in schema.members {
            let place = "\(path)/\(escaped(member.name))"
            switch member.value {
            case .object(let schemas) where named.contains(member.name):
                var inner = JSONObject()
                for entry in schemas.members {
                    inner[entry.name] = changed(entry.value, "\(place)/\(escaped(entry.name))")
                }
                result[member.name] = .object(inner)
            case .array(let schemas) where lists.contains(member.name):
                result[member.name] = .array(
                    schemas.enumerated().map { changed($0.element, "\(place)/\($0.offset)") })
            case .object where single.contains(member.name):
                result[member.name] = changed(member.value, place)
            default: result[member.name] = member.value
            }
        }
        return result
    }

    private static func escaped(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "~") }) else { return name }
        var result = ""
        for character in name.unicodeScalars {
            switch character {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

extension JSONObject {
    /// The schema with `properties` and `required` in every object schema, as some providers want it.
    var normalizedSchema: JSONObject {
        var result = SchemaPositions.map(self) { inner, _ in inner.normalizedSchema }
        guard isObjectSchema else { return result }
        if result["properties"] == nil { result["properties"] = [:] }
        if result["required"] == nil { result["required"] = [] }
        return result
    }

    private var isObjectSchema: Bool {
        switch self["type"] {
        case .string(let type): type == "object"
        case .array(let types): types.contains("object")
        default: self["properties"] != nil || self["required"] != nil
        }
    }
}
