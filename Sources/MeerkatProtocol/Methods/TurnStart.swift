public import MeerkatCore
public import MeerkatJSON

/// `turn/start`: runs a turn of a session, live or stored.
public enum TurnStart: RPCMethod {
    public static let name = "turn/start"
    public typealias Result = WireRunResult

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        public var prompt: String
        public var run: RunID?
        public var requested: CapabilityRequests

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var prompt: String?
            var run: RunID?
            var requests = CapabilityRequests()
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "prompt": prompt = try reader.readString()
                case "run_id": run = try reader.readOptional()
                case "skill_references", "limits": try requests.read(key, from: &reader)
                default: break
                }
            }
            self.session = try reader.require(session, "session_id")
            self.prompt = try reader.require(prompt, "prompt")
            self.run = run
            requested = requests
        }
    }
}

/// `turn/interrupt`: ends the running turn of a session; a success without effect when none runs.
public enum TurnInterrupt: RPCMethod {
    public static let name = "turn/interrupt"

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        /// Only this run is meant.
        public var run: RunID?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var run: RunID?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "run_id": run = try reader.readOptional()
                default: break
                }
            }
            self.session = try reader.require(session, "session_id")
            self.run = run
        }
    }

    public typealias Result = Flag
}
