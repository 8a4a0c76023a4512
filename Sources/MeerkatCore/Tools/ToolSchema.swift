public import MeerkatJSON

/// The JSON Schema of a tool's arguments, written beside the arguments' type.
///
///     static let schema = RawJSON.schema([
///         "seconds": .number("How long to wait, in seconds", 0.1...300).required
///     ])
public struct SchemaProperty: Sendable {
    private var type: String
    private var description: String
    private var members: JSONObject
    private(set) var isRequired = false

    private init(_ type: String, _ description: String, _ members: JSONObject = JSONObject()) {
        self.type = type
        self.description = description
        self.members = members
    }

    public static func string(_ description: String) -> SchemaProperty { SchemaProperty("string", description) }
    public static func boolean(_ description: String) -> SchemaProperty { SchemaProperty("boolean", description) }
    public static func object(_ description: String) -> SchemaProperty { SchemaProperty("object", description) }

    /// One of a few strings.
    public static func choice(_ description: String, _ values: [String]) -> SchemaProperty {
        SchemaProperty("string", description, ["enum": .array(values.map { .string($0) })])
    }

    public static func strings(_ description: String) -> SchemaProperty {
        SchemaProperty("array", description, ["items": ["type": "string"]])
    }

    public static func number(_ description: String, _ range: ClosedRange<Double>? = nil) -> SchemaProperty {
        var members = JSONObject()
        members["minimum"] = range.flatMap { JSONNumber($0.lowerBound) }.map { .number($0) }
        members["maximum"] = range.flatMap { JSONNumber($0.upperBound) }.map { .number($0) }
        return SchemaProperty("number", description, members)
    }

    /// A whole number of at least `minimum`.
    public static func integer(_ description: String, atLeast minimum: Int = 0) -> SchemaProperty {
        SchemaProperty("integer", description, ["minimum": .integer(minimum)])
    }

    /// The same, and the argument must be there; otherwise it may be absent or null.
    public var required: SchemaProperty {
        var property = self
        property.isRequired = true
        return property
    }

    fileprivate var schema: JSONValue {
        var object = JSONObject()
        object["type"] = isRequired ? .string(type) : .array([.string(type), "null"])
        object["description"] = .string(description)
        for member in members.members {
            var value = member.value
            // Where null is allowed it must be among the choices as well.
            if member.name == "enum", !isRequired, let choices = value.array { value = .array(choices + [.null]) }
            object[member.name] = value
        }
        return .object(object)
    }
}

extension RawJSON {
    /// An object schema with these properties, in this order.
    public static func schema(_ properties: KeyValuePairs<String, SchemaProperty>) -> RawJSON {
        var members = JSONObject()
        for (name, property) in properties { members[name] = property.schema }
        let required = properties.filter(\.value.isRequired).map { JSONValue.string($0.key) }
        let schema: JSONObject = [
            "type": "object", "properties": .object(members), "required": .array(required),
        ]
        return RawJSON(encoding: schema)
    }
}
