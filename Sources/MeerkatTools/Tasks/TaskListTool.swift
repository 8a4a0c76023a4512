public import MeerkatCore
public import MeerkatJSON

/// Shows the tasks, or those that are asked for.
public struct TaskListTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var status: TaskItem.Status?
        /// Shown are tasks with any of these.
        var labels: [String]?

        public init(from reader: inout JSONReader) throws(JSONError) {
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "status": status = try reader.readOptional()
                case "labels": labels = try reader.readOptional()
                default: break
                }
            }
        }

        func match(_ task: TaskItem) -> Bool {
            if let status, task.status != status { return false }
            guard let labels, !labels.isEmpty else { return true }
            return labels.contains { task.labels.contains($0) }
        }
    }

    public let definition = ToolDefinition(
        name: "task_list", description: "Returns the tasks of the project's task list, all or filtered.",
        inputSchema: .schema([
            "status": .choice("Only tasks in this state", TaskItem.Status.names),
            "labels": .strings("Only tasks with at least one of these labels"),
        ]))

    private let store: TaskStore

    public init(store: TaskStore) {
        self.store = store
    }

    public var effect: ToolEffect { .pure }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .json(try await store.read().tasks.filter(arguments.match))
    }
}
