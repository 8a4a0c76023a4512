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
        public var requested: CapabilityRequests

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
            requested = requests
        }
    }
}

/// Collects the members that ask for a feature by its parameters; a value that asks for nothing is not counted.
public struct CapabilityRequests: Sendable {
    /// What is asked for, in the order of the members: ids of capabilities, and `limits`.
    public private(set) var features: [String] = []

    private mutating func add(_ id: CapabilityID) { features.append(id.rawValue) }

    mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) {
        switch key {
        case "enable_builtins": try readFlag(.builtins, &reader)
        case "enable_shell": try readFlag(.shell, &reader)
        case "enable_subagents": try readFlag(.subAgents, &reader)
        case "enable_memory": try readFlag(.memoryStore, &reader)
        case "host_mode": try readFlag(.comms, &reader)
        case "comms_name": if try reader.readOptional(String.self) != nil { add(.comms) }
        case "output_schema":
            if try reader.readNull() { return }
            guard try reader.peek() == .object else {
                throw JSONError(.typeMismatch(expected: "an object"), offset: reader.position)
            }
            let start = reader.position
            let schema = try JSONObject(from: &reader)
            if let inner = schema["schema"], schema.isWrapper, inner.object == nil {
                throw JSONError(.typeMismatch(expected: "an object"), offset: start, path: ["schema"])
            }
            if !schema.isEmpty { add(.structuredOutput) }
        case "structured_output_retries":
            let retries: Int? = try reader.readOptional()
            guard (0...Int(UInt32.max)).contains(retries ?? 0) else {
                throw JSONError(.numberOutOfRange, offset: reader.position)
            }
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
        case "limits":
            guard let limits: JSONObject = try reader.readOptional() else { return }
            if limits.members.contains(where: { !$0.value.isNull }) { features.append("limits") }
        default: break
        }
    }

    private mutating func readFlag(_ id: CapabilityID, _ reader: inout JSONReader) throws(JSONError) {
        if try reader.readOptional(Bool.self) == true { add(id) }
    }
}

extension JSONObject {
    /// Whether this is the wrapped form of an output schema and not a schema itself.
    fileprivate var isWrapper: Bool {
        self["format"] == "meerkat_v1"
            || names.allSatisfy { ["schema", "name", "strict", "compat", "format"].contains($0) }
    }
}
