internal import CSupervisor

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Rules as the supervisor wants them, with everything open that a command needs to confine itself.
struct PreparedSandbox: ~Copyable {
    /// Nil without rules.
    let pointer: UnsafePointer<Sandbox>?
    private let owned: UnsafeMutablePointer<Sandbox>?
    private let mounts: UnsafeMutablePointer<SandboxMount>?
    private let paths: CStrings
    private let writable: CStrings
    private let ruleset: Int32

    /// - Throws: ``ProcessError`` when this process is short of something.
    init(_ rules: SandboxRules?) throws(ProcessError) {
        guard let rules else {
            (pointer, owned, mounts, ruleset) = (nil, nil, nil, -1)
            paths = CStrings([])
            writable = CStrings([])
            return
        }
        let system = try SystemSandbox.forCommand()
        ruleset = try Self.ruleset(rules, Int32(clamping: system.landlockVersion))
        let protections = rules.protections
        // Two texts for each, so that the positions are known.
        paths = CStrings(protections.flatMap { [$0.path, $0.source] })
        // A directory before what is in it. Where everything may be written there is nothing to protect.
        let places = rules.writable.contains("/") ? [] : rules.writable.sorted()
        writable = CStrings(places)
        let mounts = UnsafeMutablePointer<SandboxMount>.allocate(capacity: protections.count)
        for (index, protection) in protections.enumerated() {
            (mounts + index).initialize(
                to: SandboxMount(
                    kind: protection.kind, path: paths.pointers[2 * index], source: paths.pointers[2 * index + 1]))
        }
        self.mounts = mounts
        let sandbox = UnsafeMutablePointer<Sandbox>.allocate(capacity: 1)
        sandbox.initialize(
            to: Sandbox(
                isRequired: rules.isRequired, allowsNetwork: rules.allowsNetwork, ruleset: ruleset,
                version: Int32(clamping: system.landlockVersion), userNamespace: system.userNamespace,
                networkNamespace: system.networkNamespace,
                writable: UnsafeRawPointer(writable.pointers).assumingMemoryBound(to: UnsafePointer<CChar>?.self),
                writableCount: places.count, mounts: mounts, mountCount: protections.count,
                processes: rules.limits.processes, addressSpace: rules.limits.addressSpace,
                data: rules.limits.memory, fileSize: rules.limits.fileSize))
        owned = sandbox
        pointer = UnsafePointer(sandbox)
    }

    deinit {
        if ruleset >= 0 { close(ruleset) }
        mounts?.deallocate()
        owned?.deallocate()
    }

    private static func ruleset(_ rules: SandboxRules, _ version: Int32) throws(ProcessError) -> Int32 {
        guard version > 0 else { return -1 }
        let ruleset = sandbox_make_ruleset(version, rules.allowsNetwork)
        guard ruleset >= 0 else { throw ProcessError(forking: errno, "the sandbox") }
        let accesses: [([String], SandboxAccess)] = [
            (rules.readable, .read), (rules.writable, .write), (rules.devices, .device),
        ]
        for (paths, access) in accesses {
            // A rule that cannot be added allows nothing.
            for path in paths { sandbox_allow(ruleset, version, path, access) }
        }
        return ruleset
    }
}

extension SandboxRules.Protection {
    fileprivate var kind: SandboxMountKind {
        switch self {
        case .pin: .pin
        case .readOnly: .readOnly
        case .hideDirectory: .hideDirectory
        case .hideFile: .hideFile
        case .replace: .replace
        }
    }

    fileprivate var path: String {
        switch self {
        case .pin(let path), .readOnly(let path), .hideDirectory(let path), .hideFile(let path), .replace(let path, _):
            path
        }
    }

    fileprivate var source: String { if case .replace(_, let source) = self { source } else { "" } }
}
