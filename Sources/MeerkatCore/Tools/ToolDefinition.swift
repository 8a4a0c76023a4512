public import MeerkatJSON

/// What the model is told about a tool.
public struct ToolDefinition: Sendable, Hashable, JSONCodable {
    public var name: String
    public var description: String
    /// A JSON Schema object.
    public var inputSchema: RawJSON

    public init(name: String, description: String, inputSchema: RawJSON) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("name", name)
            writer.member("description", description)
            writer.member("input_schema", inputSchema)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var name: String?
        var description = ""
        var inputSchema: RawJSON?
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "name": name = try reader.readString()
            case "description": description = try reader.readString()
            case "input_schema": inputSchema = try reader.readRaw()
            default: break
            }
        }
        self.init(
            name: try reader.require(name, "name"), description: description, inputSchema: inputSchema ?? .emptyObject)
    }
}
