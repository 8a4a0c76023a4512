internal import MeerkatCore
internal import MeerkatJSON

/// The tasks of a project and what their file says about itself.
struct TaskList: Sendable, Hashable, JSONCodable {
    static let maxCompleted = 5000
    static let maxTasks = 10_000

    var projectID: String
    var createdAt: String
    /// Counts the writes.
    var revision = 0
    var tasks: [TaskItem] = []
    /// Members that this version does not know; they are kept.
    private var unknown = JSONObject()
    private var unknownMeta = JSONObject()

    init(projectID: String, createdAt: String) {
        self.projectID = projectID
        self.createdAt = createdAt
    }

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("meta") { writer in
                writer.writeObject { writer in
                    writer.member("version", 1)
                    writer.member("project_id", projectID)
                    writer.member("created_at", createdAt)
                    writer.member("store_rev", revision)
                    for member in unknownMeta.members { writer.member(named: member.name, member.value) }
                }
            }
            writer.member("tasks", tasks)
            for member in unknown.members { writer.member(named: member.name, member.value) }
        }
    }

    init(from reader: inout JSONReader) throws(JSONError) {
        var list: TaskList?
        var tasks: [TaskItem]?
        var unknown = JSONObject()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "meta": list = try TaskList(meta: &reader)
            case "tasks": tasks = try reader.read()
            default: unknown[key.string] = try reader.read()
            }
        }
        self = try reader.require(list, "meta")
        self.tasks = try reader.require(tasks, "tasks")
        self.unknown = unknown
    }

    private init(meta reader: inout JSONReader) throws(JSONError) {
        var projectID: String?
        var createdAt: String?
        var revision = 0
        var unknown = JSONObject()
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "version":
                let start = reader.position
                let version = try reader.readInteger() as Int
                guard version == 1 else {
                    throw JSONError(.invalidValue("version \(version) is not known to this build"), offset: start)
                }
            case "project_id": projectID = try reader.read()
            case "created_at": createdAt = try reader.read()
            case "store_rev": revision = try reader.read()
            default: unknown[key.string] = try reader.read()
            }
        }
        self.init(
            projectID: try reader.require(projectID, "project_id"),
            createdAt: try reader.require(createdAt, "created_at"))
        self.revision = revision
        unknownMeta = unknown
    }

    func task(_ id: String) throws(ToolError) -> TaskItem { tasks[try index(of: id)] }

    func index(of id: String) throws(ToolError) -> Int {
        guard let index = tasks.firstIndex(where: { $0.id == id }) else {
            throw .executionFailed("there is no task \"\(id.quoted)\"")
        }
        return index
    }

    /// Adds a task; the oldest are dropped where there are too many, completed ones first.
    mutating func add(_ task: TaskItem) {
        tasks.append(task)
        let completed = tasks.count { !$0.isOpen }
        guard completed > Self.maxCompleted || tasks.count > Self.maxTasks else { return }
        let doneCount = min(max(completed - Self.maxCompleted, tasks.count - Self.maxTasks), completed)
        drop(doneCount) { !$0.isOpen }
        // The new task is the youngest, and stays even when a clock has been put back.
        drop(tasks.count - Self.maxTasks) { $0.isOpen && $0.id != task.id }
    }

    /// Times of one format compare as texts; the order of times in different ones does not matter here.
    private mutating func drop(_ count: Int, where isCandidate: (TaskItem) -> Bool) {
        guard count > 0 else { return }
        let candidates = tasks.indices.filter { isCandidate(tasks[$0]) }
        let oldest = candidates.sorted { (tasks[$0].updatedAt, $0) < (tasks[$1].updatedAt, $1) }.prefix(count)
        let dropped = Set(oldest)
        tasks = tasks.indices.filter { !dropped.contains($0) }.map { tasks[$0] }
    }
}
