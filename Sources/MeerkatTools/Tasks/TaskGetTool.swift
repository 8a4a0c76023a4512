public import MeerkatCore
public import MeerkatJSON

/// Shows one task.
public struct TaskGetTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var id: String

        public init(from reader: inout JSONReader) throws(JSONError) {
            var id: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                if case "id" = key { id = try reader.read() }
            }
            self.id = try reader.require(id, "id")
        }
    }

    public let definition = ToolDefinition(
        name: "task_get", description: "Returns one task of the project's task list.",
        inputSchema: .schema(["id": .string("The task's id").required]))

    private let store: TaskStore

    public init(store: TaskStore) {
        self.store = store
    }

    public var effect: ToolEffect { .pure }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .json(try await store.read().task(arguments.id))
    }
}
