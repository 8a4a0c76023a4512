public import MeerkatCore
public import MeerkatJSON

/// Changes what is given of a task.
public struct TaskUpdateTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        var id = ""
        var subject: String?
        var description: String?
        var status: TaskItem.Status?
        var priority: TaskItem.Priority?
        var labels: [String]?
        var addedBlocks: [String] = []
        var removedBlocks: [String] = []
        var owner: String?
        /// Merged into what is there; null removes a member.
        var metadata = JSONObject()
        var addedBlockers: [String] = []
        var removedBlockers: [String] = []

        public init(from reader: inout JSONReader) throws(JSONError) {
            var id: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "id": id = try reader.read()
                case "subject": subject = try reader.readOptional()
                case "description": description = try reader.readOptional()
                case "status": status = try reader.readOptional()
                case "priority": priority = try reader.readOptional()
                case "labels": labels = try reader.readOptional()
                case "add_blocks": addedBlocks = try reader.readOptional() ?? []
                case "remove_blocks": removedBlocks = try reader.readOptional() ?? []
                case "owner": owner = try reader.readOptional()
                case "metadata": metadata = try reader.readOptional() ?? JSONObject()
                case "add_blocked_by": addedBlockers = try reader.readOptional() ?? []
                case "remove_blocked_by": removedBlockers = try reader.readOptional() ?? []
                default: break
                }
            }
            self.id = try reader.require(id, "id")
        }

        func apply(to task: inout TaskItem) {
            task.subject = subject ?? task.subject
            task.description = description ?? task.description
            task.status = status ?? task.status
            task.priority = priority ?? task.priority
            task.labels = labels ?? task.labels
            task.owner = owner ?? task.owner
            task.blocks.change(adding: addedBlocks, removing: removedBlocks)
            task.blockedBy.change(adding: addedBlockers, removing: removedBlockers)
            for member in metadata.members {
                task.metadata[member.name] = member.value.isNull ? Optional.none : member.value
            }
        }
    }

    public let definition = ToolDefinition(
        name: "task_update",
        description: "Changes a task of the project's task list and returns it. What is not given stays as it is.",
        inputSchema: .schema([
            "id": .string("The task's id").required,
            "subject": .string("What is to be done, in a few words"),
            "description": .string("What is to be done, in full"),
            "status": .choice("How far it is", TaskItem.Status.names),
            "priority": .choice("How urgent it is", TaskItem.Priority.names),
            "labels": .strings("Words to find it by; replaces all labels"),
            "add_blocks": .strings("Ids of further tasks that wait for this one"),
            "remove_blocks": .strings("Ids of tasks that no longer wait for this one"),
            "owner": .string("Who does it"),
            "metadata": .object("Merged into the task's metadata; null removes a member"),
            "add_blocked_by": .strings("Ids of further tasks that this one waits for"),
            "remove_blocked_by": .strings("Ids of tasks that this one no longer waits for"),
        ]))

    private let store: TaskStore

    public init(store: TaskStore) {
        self.store = store
    }

    public var effect: ToolEffect { .idempotent }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let session = context.session.description
        let task = try await store.change { (list, now) throws(ToolError) in
            let index = try list.index(of: arguments.id)
            arguments.apply(to: &list.tasks[index])
            list.tasks[index].updatedAt = now
            list.tasks[index].updatedBySession = session
            return list.tasks[index]
        }
        return .json(task)
    }
}

extension [String] {
    /// Appends what is not there yet, then removes.
    fileprivate mutating func change(adding added: [String], removing removed: [String]) {
        for id in added where !contains(id) { append(id) }
        removeAll { removed.contains($0) }
    }
}
