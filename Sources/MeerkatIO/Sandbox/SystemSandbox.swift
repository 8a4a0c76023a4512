internal import CSupervisor
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What this system has to confine commands with; looked up when it is first asked for.
public struct SystemSandbox: Sendable, Hashable {
    /// The version of Landlock; 0 when there is none.
    public let landlockVersion: Int
    let filtersSystemCalls: Bool
    public let canMount: Bool
    /// Descriptors that stay open for the life of this process; -1 when there are none.
    let userNamespace: Int32
    let networkNamespace: Int32

    private static let known = Mutex<SystemSandbox?>(nil)

    public static var current: SystemSandbox {
        known.withLock { known in
            if let known { return known }
            let (found, isFinal) = find()
            // A process that is short of descriptors or of memory asks again.
            if isFinal { known = found }
            return found
        }
    }

    private static func find() -> (SystemSandbox, isFinal: Bool) {
        var (user, network): (Int32, Int32) = (-1, -1)
        let code = sandbox_make_namespaces(&user, &network)
        var canMount = code == 0 && sandbox_try_mounting(user) == 0
        if !canMount {
            for descriptor in [user, network] where descriptor >= 0 { close(descriptor) }
            (user, network) = (-1, -1)
            // The administrator needs no namespace of users for that.
            canMount = sandbox_try_mounting(-1) == 0
        }
        let found = SystemSandbox(
            landlockVersion: Int(sandbox_landlock_version()), filtersSystemCalls: sandbox_can_filter(),
            canMount: canMount, userNamespace: user, networkNamespace: network)
        return (found, ![EMFILE, ENFILE, ENOMEM, EAGAIN].contains(code))
    }

    /// Whether the system can keep a promise to a command with some rules.
    public func canKeep(_ promise: SandboxPromise, for rules: SandboxRules) -> Bool {
        switch promise {
        #if os(Linux)
            case .privileges, .limits: true
        #else
            case .privileges, .limits: false
        #endif
        case .files: landlockVersion >= 1
        case .truncation: landlockVersion >= 3
        case .network: filtersSystemCalls || networkNamespace >= 0
        case .signals: landlockVersion >= 6
        // They belong to a network namespace.
        case .abstractSockets: landlockVersion >= 6 || networkNamespace >= 0 && !rules.allowsNetwork
        case .systemCalls: filtersSystemCalls
        case .protectedPaths: canMount || rules.protections.isEmpty && rules.writable.isEmpty
        }
    }
}
