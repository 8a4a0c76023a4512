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

    /// What the system has, as far as it can be found out now.
    public static var current: SystemSandbox { known.withLock { find(&$0).system } }

    /// What the system has for a command.
    ///
    /// - Throws: ``ProcessError`` when this process is short of descriptors, memory or processes: no command is to run
    ///   with less because of that.
    static func forCommand() throws(ProcessError) -> SystemSandbox {
        let (system, code) = known.withLock { find(&$0) }
        guard code == 0 else { throw ProcessError(forking: code, "the sandbox") }
        return system
    }

    /// - Returns: what was found, and the value of errno when the next look may find more.
    private static func find(_ known: inout SystemSandbox?) -> (system: SystemSandbox, code: Int32) {
        if let known { return (known, 0) }
        var (user, network): (Int32, Int32) = (-1, -1)
        var codes = [sandbox_make_namespaces(&user, &network)]
        if codes[0] == 0 { codes.append(sandbox_try_mounting(user)) }
        var canMount = codes.last == 0
        if !canMount {
            for descriptor in [user, network] where descriptor >= 0 { close(descriptor) }
            (user, network) = (-1, -1)
            // The administrator needs no namespace of users for that.
            codes.append(sandbox_try_mounting(-1))
            canMount = codes.last == 0
        }
        let found = SystemSandbox(
            landlockVersion: Int(sandbox_landlock_version()), filtersSystemCalls: sandbox_can_filter(),
            canMount: canMount, userNamespace: user, networkNamespace: network)
        let temporary = codes.first { [EMFILE, ENFILE, ENOMEM, EAGAIN].contains($0) } ?? 0
        if temporary == 0 || canMount { known = found }
        return (found, canMount ? 0 : temporary)
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
