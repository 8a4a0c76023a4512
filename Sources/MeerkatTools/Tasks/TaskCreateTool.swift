public import MeerkatCore
public import MeerkatJSON

/// Adds a task to the list.
public struct TaskCreateTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var subject = ""
        var description = ""
        var priority: TaskItem.Priority?
        var labels: [String]?
        var blocks: [String]?
        var owner: String?
        var metadata: JSONObject?
        var blockedBy: [String]?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var subject: String?
            var description: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "subject": subject = try reader.read()
                case "description": description = try reader.read()
                case "priority": priority = try reader.readOptional()
                case "labels": labels = try reader.readOptional()
                case "blocks": blocks = try reader.readOptional()
                case "owner": owner = try reader.readOptional()
                case "metadata": metadata = try reader.readOptional()
                case "blocked_by": blockedBy = try reader.readOptional()
                default: break
                }
            }
            self.subject = try reader.require(subject, "subject")
            self.description = try reader.require(description, "description")
        }
    }

    public let definition = ToolDefinition(
        name: "task_create",
        description: "Adds a task to the project's task list and returns it. It starts as pending.",
        inputSchema: .schema([
            "subject": .string("What is to be done, in a few words").required,
            "description": .string("What is to be done, in full").required,
            "priority": .choice("How urgent it is; medium when absent", TaskItem.Priority.names),
            "labels": .strings("Words to find it by"),
            "blocks": .strings("Ids of the tasks that wait for this one"),
            "owner": .string("Who does it"),
            "metadata": .object("Anything else worth keeping with it"),
            "blocked_by": .strings("Ids of the tasks that this one waits for"),
        ]))

    private let store: TaskStore

    public init(store: TaskStore) {
        self.store = store
    }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let id = store.newID()
        let session = context.session.description
        let task = try await store.change { (list, now) throws(ToolError) in
            var task = TaskItem(
                id: id, subject: arguments.subject, description: arguments.description, at: now, session: session)
            task.priority = arguments.priority ?? .medium
            task.labels = arguments.labels ?? []
            task.blocks = arguments.blocks ?? []
            task.blockedBy = arguments.blockedBy ?? []
            task.owner = arguments.owner
            task.metadata = arguments.metadata ?? JSONObject()
            list.add(task)
            return task
        }
        return .json(task)
    }
}
