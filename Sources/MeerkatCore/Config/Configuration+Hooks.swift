public import MeerkatJSON

extension Configuration {
    /// Handlers that watch, veto or rewrite steps of a run.
    public struct Hooks: ConfigSection {
        public var defaultTimeoutMs = 5000
        public var payloadMaxBytes = 131_072
        public var backgroundMaxConcurrency = 32
        public var entries: [HookEntry] = []
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("default_timeout_ms", &defaultTimeoutMs, 0...Int.max)
            try keys.key("payload_max_bytes", &payloadMaxBytes, 0...Int.max)
            try keys.key("background_max_concurrency", &backgroundMaxConcurrency, 1...Int.max)
            try keys.key("entries", &entries)
        }
    }

    /// One handler and when it is called.
    public struct HookEntry: ConfigSection {
        public enum Point: String, ConfigChoice {
            case runStarted = "run_started"
            case preLLMRequest = "pre_llm_request"
            case postLLMResponse = "post_llm_response"
            case preToolExecution = "pre_tool_execution"
            case postToolExecution = "post_tool_execution"
            case turnBoundary = "turn_boundary"
            case runCompleted = "run_completed"
            case runFailed = "run_failed"
        }

        public enum Mode: String, ConfigChoice {
            case foreground, background
        }

        public enum Capability: String, ConfigChoice {
            case observe, guardrail, rewrite
        }

        public enum FailurePolicy: String, ConfigChoice {
            case failOpen = "fail_open"
            case failClosed = "fail_closed"
        }

        public var id = "hook"
        public var isEnabled = true
        public var point = Point.turnBoundary
        public var mode = Mode.foreground
        public var capability = Capability.observe
        /// Lower is called earlier.
        public var priority = 100
        /// Unset: open for observers, closed for the others.
        public var failurePolicy: FailurePolicy?
        /// Unset: ``Hooks/defaultTimeoutMs``.
        public var timeoutMs: Int?
        /// The `type` of handler and its settings.
        public var runtime: JSONObject = ["type": "in_process", "name": "noop"]
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("id", &id)
            try keys.key("enabled", &isEnabled)
            try keys.key("point", &point)
            try keys.key("mode", &mode)
            try keys.key("capability", &capability)
            try keys.key("priority", &priority, Int(Int32.min)...Int(Int32.max))
            try keys.key("failure_policy", &failurePolicy, nilAs: .omitted)
            try keys.key("timeout_ms", &timeoutMs, 0...Int.max, nilAs: .omitted)
            try keys.key("runtime", &runtime)
        }

        /// Settings of the handler may stand in a table `config` of their own.
        public static func canonical(_ object: JSONObject) -> JSONObject {
            guard var runtime = object["runtime"]?.object, let settings = runtime["config"]?.object else {
                return object
            }
            runtime["config"] = nil
            for member in settings.members { runtime[member.name] = member.value }
            var object = object
            object["runtime"] = .object(runtime)
            return object
        }
    }

    /// Where skills come from and how they are shown.
    public struct Skills: ConfigSection {
        public var isEnabled = true
        public var maxInjectionBytes = 32_768
        /// From so many skills on, the model sees collections instead of single skills.
        public var inventoryThreshold = 12
        /// Empty: the skills of the project, then those of the user.
        public var repositories: [SkillRepository] = []
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("enabled", &isEnabled)
            try keys.key("max_injection_bytes", &maxInjectionBytes, 0...Int.max)
            try keys.key("inventory_threshold", &inventoryThreshold, 0...Int.max)
            try keys.key("repositories", &repositories)
        }
    }

    /// A place that skills come from; which keys count depends on ``type``.
    public struct SkillRepository: ConfigSection {
        public enum Kind: String, ConfigChoice {
            case filesystem, http, git
        }

        public enum GitReference: String, ConfigChoice {
            case branch, tag, commit
        }

        public var name = ""
        public var type = Kind.filesystem
        public var path: String?
        public var url: String?
        public var authHeader: String?
        public var authToken: String?
        /// Unset: 300.
        public var refreshSeconds: Int?
        /// Unset: `main`.
        public var gitRef: String?
        /// Unset: a branch.
        public var refType: GitReference?
        public var skillsRoot: String?
        public var sshKey: String?
        /// Unset: 1.
        public var depth: Int?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("name", &name)
            try keys.key("type", &type)
            try keys.key("path", &path, nilAs: .omitted)
            try keys.key("url", &url, nilAs: .omitted)
            try keys.key("auth_header", &authHeader, nilAs: .omitted)
            try keys.key("auth_token", &authToken, nilAs: .omitted)
            try keys.key("refresh_seconds", &refreshSeconds, 0...Int.max, nilAs: .omitted)
            try keys.key("git_ref", &gitRef, nilAs: .omitted)
            try keys.key("ref_type", &refType, nilAs: .omitted)
            try keys.key("skills_root", &skillsRoot, nilAs: .omitted)
            try keys.key("ssh_key", &sshKey, nilAs: .omitted)
            try keys.key("depth", &depth, 0...Int.max, nilAs: .omitted)
        }

        public static func canonical(_ object: JSONObject) -> JSONObject {
            var object = object
            for (alias, name) in [
                ("transport", "type"), ("auth_bearer", "auth_token"), ("cache_ttl_seconds", "refresh_seconds"),
            ] {
                guard let value = object[alias] else { continue }
                object[alias] = nil
                object[name] = object[name] ?? value
            }
            return object
        }
    }
}
