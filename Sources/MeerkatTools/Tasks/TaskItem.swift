internal import MeerkatCore
public import MeerkatJSON

/// Something to be done, on the list that the sessions of a project share.
///
/// The lists of other tasks are notes: nothing checks that those tasks exist or keeps the other side in step.
public struct TaskItem: Sendable, Hashable, JSONCodable {
    public enum Status: String, TaskChoice {
        case pending
        case inProgress = "in_progress"
        case completed
    }

    public enum Priority: String, TaskChoice {
        case low, medium, high
    }

    public var id: String
    public var subject: String
    public var description: String
    public var status = Status.pending
    public var priority = Priority.medium
    public var labels: [String] = []
    /// The tasks that wait for this one.
    public var blocks: [String] = []
    /// The tasks that this one waits for.
    public var blockedBy: [String] = []
    /// RFC 3339, in UTC.
    public var createdAt: String
    public var updatedAt: String
    public var createdBySession: String?
    public var updatedBySession: String?
    public var owner: String?
    public var metadata = JSONObject()
    /// Members of a stored task that this version does not know; they are kept.
    public var unknown = JSONObject()

    public init(id: String, subject: String, description: String, at time: String, session: String?) {
        self.id = id
        self.subject = subject
        self.description = description
        createdAt = time
        updatedAt = time
        createdBySession = session
        updatedBySession = session
    }

    public var isOpen: Bool { status != .completed }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("id", id)
            writer.member("subject", subject)
            writer.member("description", description)
            writer.member("status", status)
            writer.member("priority", priority)
            writer.member("labels", labels)
            writer.member("blocks", blocks)
            if !blockedBy.isEmpty { writer.member("blocked_by", blockedBy) }
            writer.member("created_at", createdAt)
            writer.member("updated_at", updatedAt)
            writer.member("created_by_session", createdBySession.map { .string($0) } ?? JSONValue.null)
            writer.member("updated_by_session", updatedBySession.map { .string($0) } ?? JSONValue.null)
            writer.member("owner", owner)
            if !metadata.isEmpty { writer.member("metadata", metadata) }
            for member in unknown.members { writer.member(named: member.name, member.value) }
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var id: String?
        var subject: String?
        var description: String?
        var createdAt: String?
        var updatedAt: String?
        var rest = TaskItem(id: "", subject: "", description: "", at: "", session: nil)
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "id": id = try reader.read()
            case "subject": subject = try reader.read()
            case "description": description = try reader.read()
            case "status": rest.status = try reader.read()
            case "priority": rest.priority = try reader.readOptional() ?? .medium
            case "labels": rest.labels = try reader.readOptional() ?? []
            case "blocks": rest.blocks = try reader.readOptional() ?? []
            case "blocked_by": rest.blockedBy = try reader.readOptional() ?? []
            case "created_at": createdAt = try reader.read()
            case "updated_at": updatedAt = try reader.read()
            case "created_by_session": rest.createdBySession = try reader.readOptional()
            case "updated_by_session": rest.updatedBySession = try reader.readOptional()
            case "owner": rest.owner = try reader.readOptional()
            case "metadata": rest.metadata = try reader.readOptional() ?? JSONObject()
            default: rest.unknown[key.string] = try reader.read()
            }
        }
        rest.id = try reader.require(id, "id")
        rest.subject = try reader.require(subject, "subject")
        rest.description = try reader.require(description, "description")
        rest.createdAt = try reader.require(createdAt, "created_at")
        rest.updatedAt = try reader.require(updatedAt, "updated_at")
        self = rest
    }
}

/// One of a few words; an error names them all.
public protocol TaskChoice: RawRepresentable<String>, CaseIterable, Hashable, Sendable, JSONCodable {}

extension TaskChoice {
    static var names: [String] { allCases.map(\.rawValue) }

    public init(from reader: inout JSONReader) throws(JSONError) {
        let start = reader.position
        let text = try reader.readString()
        guard let value = Self(rawValue: text) else {
            throw JSONError(
                .invalidValue("\"\(text.quoted)\" is not one of \(Self.names.joined(separator: ", "))"), offset: start)
        }
        self = value
    }

    public func write(to writer: inout JSONWriter) { writer.writeString(rawValue) }
}
