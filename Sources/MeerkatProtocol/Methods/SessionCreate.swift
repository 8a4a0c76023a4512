public import MeerkatCore
public import MeerkatJSON

/// `session/create`: creates a session and, unless `initial_turn` is false, runs its first turn.
public enum SessionCreate: RPCMethod {
    public static let name = "session/create"

    public struct Params: JSONReadable, Sendable {
        /// Nil when the session begins without a turn.
        public var prompt: WirePrompt?
        public var options: SessionOptions
        public var run: RunID?
        /// What was asked for beyond ``options``, in the order of the members.
        public var requested: CapabilityRequests

        public init(from reader: inout JSONReader) throws(JSONError) {
            var prompt: WirePrompt?
            var options = SessionOptions()
            var run: RunID?
            var hasTurn = true
            var requests = CapabilityRequests()
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "prompt": prompt = try reader.readOptional()
                case "run_id": run = try reader.readOptional()
                case "initial_turn": hasTurn = try reader.readOptional() ?? true
                default:
                    if try options.read(key, from: &reader) { return }
                    try requests.read(key, from: &reader)
                }
            }
            if hasTurn {
                self.prompt = try reader.require(prompt, "prompt")
            } else if prompt?.isEmpty == false {
                throw JSONError(
                    .invalidValue("a prompt needs a turn: leave it out or initial_turn"), offset: reader.position,
                    path: ["prompt"])
            }
            self.options = options
            self.run = run
            requested = requests
        }
    }

    /// The result of the first turn, or the same shape with nothing in it but the session.
    public enum Result: JSONWritable, Sendable {
        case ran(WireRunResult)
        case prepared(SessionID)

        public func write(to writer: inout JSONWriter) {
            switch self {
            case .ran(let result): result.write(to: &writer)
            case .prepared(let session):
                writer.writeObject { writer in
                    writer.member("session_id", session)
                    writer.member("text", "")
                    writer.member("turns", 0)
                    writer.member("tool_calls", 0)
                    writer.member("usage", WireUsage(Usage()))
                    writer.member("cost_usd", USDollars.zero)
                }
            }
        }
    }
}

/// Collects the members that ask for a feature by its parameters; a value that asks for nothing is not counted.
public struct CapabilityRequests: Sendable {
    /// What is asked for, in the order of the members: ids of capabilities.
    public private(set) var features: [String] = []

    private mutating func add(_ id: CapabilityID) { features.append(id.rawValue) }

    mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) {
        switch key {
        case "enable_subagents": try readFlag(.subAgents, &reader)
        case "enable_memory": try readFlag(.memoryStore, &reader)
        case "host_mode": try readFlag(.comms, &reader)
        case "comms_name": if try reader.readOptional(String.self) != nil { add(.comms) }
        case "hooks_override":
            guard let hooks: JSONObject = try reader.readOptional() else { return }
            for name in ["entries", "disable"] {
                guard let list = hooks[name], !list.isNull else { continue }
                guard let list = list.array else {
                    throw JSONError(.typeMismatch(expected: "an array"), offset: reader.position, path: [name])
                }
                if !list.isEmpty { add(.hooks) }
            }
        case "preload_skills", "skill_references":
            if !(try reader.readOptional([String].self) ?? []).isEmpty { add(.skills) }
        default: break
        }
    }

    private mutating func readFlag(_ id: CapabilityID, _ reader: inout JSONReader) throws(JSONError) {
        if try reader.readOptional(Bool.self) == true { add(id) }
    }
}
