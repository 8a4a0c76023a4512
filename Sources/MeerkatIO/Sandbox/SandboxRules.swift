/// What a confined command may do; everything else is denied as far as the system can.
public struct SandboxRules: Sendable, Hashable {
    /// A path within what may be read or written, for which other rules hold.
    public enum Protection: Sendable, Hashable {
        /// It cannot be renamed or removed, so that what is in it stays protected.
        case pin(String)
        case readOnly(String)
        /// Nothing is in it.
        case hideDirectory(String)
        case hideFile(String)
        /// Another file or directory takes its place.
        case replace(String, with: String)
    }

    public struct Limits: Sendable, Hashable {
        /// Processes of the user of the command, threads included.
        public var processes: UInt64 = 4096
        /// Bytes that one process may map.
        public var addressSpace: UInt64 = 1 << 40
        /// Bytes of its own that one process may write.
        public var memory: UInt64 = 64 << 30
        /// Bytes of one file.
        public var fileSize: UInt64 = 16 << 30

        public init() {}
    }

    /// Files, and directories with all that is in them, by paths without links.
    ///
    /// What does not exist is passed over, here and in the others.
    public var readable: [String]
    public var writable: [String]
    /// Files that may be read, written and controlled.
    public var devices: [String]
    /// In the order in which they are set up, a directory before what is in it.
    public var protections: [Protection]
    public var allowsNetwork: Bool
    /// Whether the command must not run when a promise cannot be kept.
    public var isRequired: Bool
    public var limits = Limits()

    public init(
        readable: [String] = [], writable: [String] = [], devices: [String] = [], protections: [Protection] = [],
        allowsNetwork: Bool = false, isRequired: Bool = false
    ) {
        self.readable = readable
        self.writable = writable
        self.devices = devices
        self.protections = protections
        self.allowsNetwork = allowsNetwork
        self.isRequired = isRequired
    }

    /// What is promised of a command with these rules.
    public var promises: [SandboxPromise] { SandboxPromise.allCases.filter { $0 != .network || !allowsNetwork } }
}
