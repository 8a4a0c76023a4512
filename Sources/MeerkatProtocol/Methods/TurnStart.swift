public import MeerkatCore
public import MeerkatJSON

/// `turn/start`: runs a turn of a session, live or stored.
public enum TurnStart: RPCMethod {
    public static let name = "turn/start"
    public typealias Result = WireRunResult

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        public var prompt: WirePrompt
        /// What this turn has otherwise than its session.
        public var overrides: SessionOptions
        public var run: RunID?
        public var requested: CapabilityRequests

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var prompt: WirePrompt?
            var overrides = SessionOptions()
            var run: RunID?
            var requests = CapabilityRequests()
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "prompt": prompt = try reader.read()
                case "run_id": run = try reader.readOptional()
                case "skill_references": try requests.read(key, from: &reader)
                default: _ = try overrides.readOverride(key, from: &reader)
                }
            }
            self.session = try reader.require(session, "session_id")
            self.prompt = try reader.require(prompt, "prompt")
            self.overrides = overrides
            self.run = run
            requested = requests
        }
    }
}

/// The parameters of methods about one run of a session.
public struct RunParams: JSONReadable, Sendable {
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

/// `turn/resume`: goes on with the run of a session that was cut off.
public enum TurnResume: RPCMethod {
    public static let name = "turn/resume"
    public typealias Params = RunParams
    public typealias Result = WireRunResult
}

/// `turn/interrupt`: ends the running turn of a session; a success without effect when none runs.
public enum TurnInterrupt: RPCMethod {
    public static let name = "turn/interrupt"
    public typealias Params = RunParams

    public struct Result: JSONWritable, Sendable {
        public var isInterrupted: Bool
        /// Tools that were told to end and go on.
        public var survivors: [String]

        public init(isInterrupted: Bool, survivors: [String] = []) {
            self.isInterrupted = isInterrupted
            self.survivors = survivors
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("interrupted", isInterrupted)
                if !survivors.isEmpty { writer.member("survivors", survivors) }
            }
        }
    }
}
