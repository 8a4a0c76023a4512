public import MeerkatCore
public import MeerkatJSON

/// The parameter of methods about one session.
public struct SessionParams: JSONReadable, Sendable {
    public var session: SessionID

    public init(from reader: inout JSONReader) throws(JSONError) {
        var session: SessionID?
        try reader.readObject { (reader, key) throws(JSONError) in
            if case "session_id" = key { session = try reader.read() }
        }
        self.session = try reader.require(session, "session_id")
    }
}

/// `session/read`: what is shown of a session; waits for no turn.
public enum SessionRead: RPCMethod {
    public static let name = "session/read"
    public typealias Result = WireSession

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        /// Whether the session's model calls are listed as well, which takes longer the more there are.
        public var includesCalls: Bool

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var includesCalls = false
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "include_calls": includesCalls = try reader.readOptional() ?? false
                default: break
                }
            }
            self.session = try reader.require(session, "session_id")
            self.includesCalls = includesCalls
        }
    }
}

/// `session/archive`: puts a session away.
public enum SessionArchive: RPCMethod {
    public static let name = "session/archive"
    public typealias Params = SessionParams
    public typealias Result = Flag
}

/// `session/delete`: removes a session for good.
public enum SessionDelete: RPCMethod {
    public static let name = "session/delete"
    public typealias Params = SessionParams
    public typealias Result = Flag
}

/// `session/list`: the open sessions in the order of their creation, and with `include_stored` a page of stored ones,
/// last updated first.
public enum SessionList: RPCMethod {
    public static let name = "session/list"

    public struct Params: JSONReadable, Sendable {
        public var includesStored = false
        public var limit = 100
        public var cursor: SessionCursor?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var includesStored = false
            var limit = 100
            var cursor: SessionCursor?
            guard try reader.peek() == .object else {
                try reader.skip()
                return
            }
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "include_stored": includesStored = try reader.readOptional() ?? false
                case "limit":
                    limit = try reader.readOptional() ?? 100
                    guard (1...500).contains(limit) else {
                        throw JSONError(.invalidValue("must be from 1 to 500"), offset: reader.position)
                    }
                case "cursor":
                    guard let text: String = try reader.readOptional() else { return }
                    guard let parsed = SessionCursor(text: text) else {
                        throw JSONError(.invalidValue("not a cursor of this method"), offset: reader.position)
                    }
                    cursor = parsed
                default: break
                }
            }
            self.includesStored = includesStored
            self.limit = limit
            self.cursor = cursor
        }
    }

    public struct Result: JSONWritable, Sendable {
        public var sessions: [WireSession]
        public var nextCursor: SessionCursor?

        public init(sessions: [WireSession], nextCursor: SessionCursor? = nil) {
            self.sessions = sessions
            self.nextCursor = nextCursor
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("sessions", sessions)
                writer.member("next_cursor", nextCursor?.text)
            }
        }
    }
}

extension SessionCursor {
    /// The form on the wire; clients pass it back as they got it.
    public var text: String { "\(updatedAt.milliseconds)/\(id)" }

    init?(text: String) {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, let time = Int64(parts[0]), let id = SessionID(String(parts[1])) else { return nil }
        self.init(updatedAt: Timestamp(milliseconds: time), id: id)
    }
}

/// A session as lists and `session/read` show it.
public struct WireSession: JSONWritable, Sendable, Hashable {
    public var snapshot: SessionSnapshot
    /// Lists leave the text out.
    public var includesText: Bool
    /// The model calls of the session; nil leaves them out.
    public var modelCalls: [ModelCallRecord]?

    public init(_ snapshot: SessionSnapshot, includesText: Bool, modelCalls: [ModelCallRecord]? = nil) {
        self.modelCalls = modelCalls
        self.snapshot = snapshot
        self.includesText = includesText
    }

    public func write(to writer: inout JSONWriter) {
        let summary = snapshot.summary
        writer.writeObject { writer in
            writer.member("session_id", summary.id)
            writer.member("state", snapshot.state.rawValue)
            writer.member("message_count", summary.messageCount)
            writer.member("total_tokens", summary.usage.totalTokens)
            writer.memberOrNull("cost_usd", summary.spending.cost)
            writer.member("created_at", summary.createdAt.seconds)
            writer.member("updated_at", summary.updatedAt.seconds)
            writer.member("is_active", snapshot.state == .running)
            if snapshot.state != .idle { writer.member("run_id", summary.openRun) }
            if includesText { writer.member("last_assistant_text", summary.lastText) }
            writer.member("model_calls", modelCalls.map { $0.map { WireModelCall($0) } })
        }
    }
}
