internal import CSupervisor

/// What a sandbox promises of a command.
public enum SandboxPromise: String, Sendable, Hashable, CaseIterable {
    /// No program gains rights when it is executed.
    case privileges
    /// Files are read and changed only where the rules allow it.
    case files
    /// Files are truncated only where the rules allow them to be written.
    case truncation
    /// Without permission in the rules, the command cannot use the network.
    case network
    /// Signals reach only what the command has started.
    case signals
    /// Abstract Unix sockets reach only what the command has started.
    case abstractSockets = "abstract_sockets"
    /// System calls that observe other processes or change the system fail.
    case systemCalls = "system_calls"
    /// Permissions, owners and dates change only where the rules allow writing, and paths within that are hidden or
    /// read-only.
    case protectedPaths = "protected_paths"
    /// Processes, memory and the size of files have limits.
    case limits

    private var part: SandboxPart {
        switch self {
        case .privileges: .privileges
        case .files: .files
        case .truncation: .truncation
        case .network: .network
        case .signals: .signals
        case .abstractSockets: .abstractSockets
        case .systemCalls: .systemCalls
        case .protectedPaths: .paths
        case .limits: .limits
        }
    }

    /// Whether a mask of parts that a supervisor has reported holds this one.
    func holds(in mask: Int32) -> Bool { SandboxPart(rawValue: UInt32(bitPattern: mask)).contains(part) }
}
