public import MeerkatCore
public import MeerkatJSON

/// `session/fork`: creates a session that continues a copy of another one.
public enum SessionFork: RPCMethod {
    public static let name = "session/fork"
    public typealias Result = WireSession

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        /// The last message that is copied, by its `seq` in `session/history`; nil copies all.
        public var seq: Int?
        /// Makes asking twice safe.
        public var run: RunID?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var seq: Int?
            var run: RunID?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "seq": seq = try reader.readOptional()
                case "run_id": run = try reader.readOptional()
                default: break
                }
            }
            self.session = try reader.require(session, "session_id")
            self.seq = seq
            self.run = run
        }
    }
}

/// `session/compact`: summarizes the older part of a session's conversation now.
public enum SessionCompact: RPCMethod {
    public static let name = "session/compact"
    public typealias Params = SessionParams

    public struct Result: JSONWritable, Sendable {
        /// Nil when there was nothing to summarize, or it failed as the events say.
        public var completed: CompactionCompleted?

        public init(_ completed: CompactionCompleted?) {
            self.completed = completed
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("compacted", completed != nil)
                writer.member("summary_tokens", completed?.summaryTokens)
                writer.member("messages_before", completed?.messagesBefore)
                writer.member("messages_after", completed?.messagesAfter)
            }
        }
    }
}
