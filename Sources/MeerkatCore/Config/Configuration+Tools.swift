public import MeerkatJSON

extension Configuration {
    /// Which tools there are and how they are run.
    public struct Tools: ConfigSection {
        public var mcpServers: [MCPServer] = []
        public var defaultTimeout = Duration.seconds(600)
        /// Time limits by the name of the tool.
        public var toolTimeouts: ConfigMap<LooseDuration> = [:]
        /// Most calls of one batch that run at the same time.
        public var maxConcurrent = 10
        /// The same call with the same result so often in a row ends the run.
        public var maxRepeats = 5
        /// Used by sessions that do not say whether they want built-in tools.
        public var builtinsEnabled = false
        public var shellEnabled = false
        public var commsEnabled = false
        public var subAgentsEnabled = false
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("mcp_servers", &mcpServers)
            try keys.key("default_timeout", &defaultTimeout)
            try keys.key("tool_timeouts", &toolTimeouts)
            try keys.key("max_concurrent", &maxConcurrent, 1...Int.max)
            try keys.key("max_repeats", &maxRepeats, 1...Int.max)
            try keys.key("builtins_enabled", &builtinsEnabled)
            try keys.key("shell_enabled", &shellEnabled)
            try keys.key("comms_enabled", &commsEnabled)
            try keys.key("subagents_enabled", &subAgentsEnabled)
        }
    }

    /// A server of the Model Context Protocol: started with `command`, or spoken to at `url`.
    public struct MCPServer: ConfigSection {
        public var name = ""
        public var command: String?
        public var arguments: [String]?
        public var environment: ConfigMap<String>?
        public var url: String?
        public var headers: ConfigMap<String>?
        public var transport: String?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("name", &name)
            try keys.key("command", &command, nilAs: .omitted)
            try keys.key("args", &arguments, nilAs: .omitted)
            try keys.key("env", &environment, nilAs: .omitted)
            try keys.key("url", &url, nilAs: .omitted)
            try keys.key("headers", &headers, nilAs: .omitted)
            try keys.key("transport", &transport, nilAs: .omitted)
        }
    }

    /// How commands of the model are run.
    public struct Shell: ConfigSection {
        /// What commands are checked against before they run.
        public enum SecurityMode: String, ConfigChoice {
            case unrestricted
            case allowList = "allow_list"
            case denyList = "deny_list"
        }

        /// How far commands are confined.
        public enum SandboxMode: String, ConfigChoice {
            /// As far as the system can.
            case auto
            /// Completely, or they are not run.
            case required
            case off
        }

        public var program = "bash"
        public var timeoutSeconds = 30
        public var securityMode = SecurityMode.unrestricted
        public var securityPatterns: [String] = []
        /// Environment variables that commands get besides the usual ones.
        public var allowedEnvironment: [String] = []
        public var sandbox = SandboxMode.auto
        /// Whether commands reach the network.
        public var allowsNetwork = false
        /// Paths that commands may write or read besides the project and the system.
        public var writable: [String] = []
        public var readable: [String] = []
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("program", &program)
            try keys.key("timeout_secs", &timeoutSeconds, 0...Int.max)
            try keys.key("security_mode", &securityMode)
            try keys.key("security_patterns", &securityPatterns)
            try keys.key("env_allow", &allowedEnvironment)
            try keys.key("sandbox", &sandbox)
            try keys.key("network", &allowsNetwork)
            try keys.key("writable", &writable)
            try keys.key("readable", &readable)
        }

        /// The older `allowlist` stands for the patterns and, unless a mode is given, for `allow_list`.
        public static func canonical(_ object: JSONObject) -> JSONObject {
            guard let patterns = object["allowlist"] else { return object }
            var object = object
            object["allowlist"] = nil
            object["security_patterns"] = object["security_patterns"] ?? patterns
            guard !patterns.isNull else { return object }
            object["security_mode"] = object["security_mode"] ?? .string(SecurityMode.allowList.rawValue)
            return object
        }
    }
}
