public import MeerkatCore
public import MeerkatJSON

/// `session/create`: creates a session and runs its first turn.
public enum SessionCreate: RPCMethod {
    public static let name = "session/create"
    public typealias Result = WireRunResult

    public struct Params: JSONReadable, Sendable {
        public var prompt: String
        public var options: SessionOptions
        public var run: RunID?
        /// What was asked for beyond ``options``, in the order of the members.
        public var requested: [CapabilityID]

        public init(from reader: inout JSONReader) throws(JSONError) {
            var prompt: String?
            var options = SessionOptions()
            var run: RunID?
            var requests = CapabilityRequests()
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "prompt": prompt = try reader.readString()
                case "run_id": run = try reader.readOptional()
                default:
                    if try options.read(key, from: &reader) { return }
                    try requests.read(key, from: &reader)
                }
            }
            self.prompt = try reader.require(prompt, "prompt")
            self.options = options
            self.run = run
            requested = requests.capabilities
        }
    }
}

/// Collects the members that ask for a feature by its parameters; a value that asks for nothing is not counted.
struct CapabilityRequests {
    private(set) var capabilities: [CapabilityID] = []

    mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) {
        switch key {
        case "enable_builtins": try readFlag(.builtins, &reader)
        case "enable_shell": try readFlag(.shell, &reader)
        case "enable_subagents": try readFlag(.subAgents, &reader)
        case "enable_memory": try readFlag(.memoryStore, &reader)
        case "host_mode": try readFlag(.comms, &reader)
        case "comms_name": if try reader.readOptional(String.self) != nil { capabilities.append(.comms) }
        case "output_schema":
            if try reader.readNull() { return }
            guard try reader.peek() == .object else {
                throw JSONError(.typeMismatch(expected: "an object"), offset: reader.position)
            }
            if !(try JSONObject(from: &reader)).isEmpty { capabilities.append(.structuredOutput) }
        case "structured_output_retries":
            let retries: Int? = try reader.readOptional()
            guard (0...Int(UInt32.max)).contains(retries ?? 0) else {
                throw JSONError(.numberOutOfRange, offset: reader.position)
            }
        case "hooks_override":
            guard let hooks: JSONObject = try reader.readOptional() else { return }
            if hooks.members.contains(where: { !($0.value.array?.isEmpty ?? $0.value.isNull) }) {
                capabilities.append(.hooks)
            }
        case "preload_skills", "skill_references":
            if !(try reader.readOptional([String].self) ?? []).isEmpty { capabilities.append(.skills) }
        default: break
        }
    }

    private mutating func readFlag(_ id: CapabilityID, _ reader: inout JSONReader) throws(JSONError) {
        if try reader.readOptional(Bool.self) == true { capabilities.append(id) }
    }
}
