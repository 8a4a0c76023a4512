public import MeerkatJSON

extension Configuration {
    /// Where data is kept.
    public struct Storage: ConfigSection {
        public var directory: String?
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("directory", &directory)
        }
    }

    /// How sessions and tasks are kept.
    public struct Store: ConfigSection {
        /// What written data survives.
        public enum Durability: String, ConfigChoice {
            /// The death of the process.
            case process
            /// A power cut.
            case power
        }

        public var sessionsPath: String?
        public var tasksPath: String?
        public var durability = Durability.process
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("sessions_path", &sessionsPath)
            try keys.key("tasks_path", &tasksPath)
            try keys.key("durability", &durability)
        }
    }

    /// How agents reach one another.
    public struct Comms: ConfigSection {
        public enum Mode: String, ConfigChoice {
            case inproc, tcp, uds
        }

        public var mode = Mode.inproc
        /// `host:port` for `tcp`, a path for `uds`.
        public var address: String?
        public var autoEnableForSubAgents = false
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("mode", &mode)
            try keys.key("address", &address)
            try keys.key("auto_enable_for_subagents", &autoEnableForSubAgents)
        }
    }

    /// Where the REST server listens.
    public struct REST: ConfigSection {
        public var host = "127.0.0.1"
        public var port = 8080
        public var unknown = JSONObject()

        public init() {}

        public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
            try keys.key("host", &host)
            try keys.key("port", &port, 0...Int(UInt16.max))
        }
    }
}
