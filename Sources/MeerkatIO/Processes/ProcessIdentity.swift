internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Names one process of the system for all time: ids of processes are used again.
public struct ProcessIdentity: Sendable, Hashable {
    public var pid: Int32
    /// When it was started: clock ticks since the system was (Linux), microseconds since 1970 (macOS); 0 if not known.
    public var startTime: UInt64
    /// Names the run of the system, in the form the system gives it; empty if not known.
    public var bootID: String

    public init(pid: Int32, startTime: UInt64, bootID: String) {
        self.pid = pid
        self.startTime = startTime
        self.bootID = bootID
    }

    /// The identity of the process that has an id now.
    public init(of pid: Int32) {
        self.init(pid: pid, startTime: Status(of: pid)?.startTime ?? 0, bootID: Self.currentBootID)
    }

    /// What is known of a process.
    public enum State: Sendable, Hashable {
        case running
        case ended
        /// A process has its id, but whether it is the same one cannot be determined.
        case unknown
    }

    public var state: State {
        guard kill(pid, 0) == 0 || errno == EPERM else { return .ended }
        guard !bootID.isEmpty, !Self.currentBootID.isEmpty else { return .unknown }
        guard bootID == Self.currentBootID else { return .ended }
        guard let status = Status(of: pid) else { return .unknown }
        if status.hasEnded { return .ended }
        guard startTime != 0 else { return .unknown }
        return status.startTime == startTime ? .running : .ended
    }

    /// Ends the process and all its descendants with SIGKILL, if it is certain to be running.
    public func end() {
        if state == .running { ProcessTree.kill(pid) }
    }

    /// What the system tells about the process that has an id now.
    private struct Status {
        var startTime: UInt64
        /// It only waits for its parent to take notice.
        var hasEnded: Bool

        #if os(Linux)
            init?(of pid: Int32) {
                guard let text = text("/proc/\(pid)/stat"), let name = text.lastIndex(of: ")") else { return nil }
                // The fields after the name begin with the third.
                let fields = text[text.index(after: name)...].split(separator: " ")
                guard fields.count > 19, let startTime = UInt64(fields[19]) else { return nil }
                self.startTime = startTime
                hasEnded = fields[0] == "Z" || fields[0] == "X"
            }
        #else
            init?(of pid: Int32) {
                var name = [CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]
                var process = kinfo_proc()
                var size = MemoryLayout<kinfo_proc>.stride
                guard sysctl(&name, 4, &process, &size, nil, 0) == 0, size > 0 else { return nil }
                let time = process.kp_proc.p_un.__p_starttime
                startTime = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_usec)
                hasEnded = process.kp_proc.p_stat == SZOMB
            }
        #endif
    }

    #if os(Linux)
        /// Read again until it could be read.
        private static var currentBootID: String {
            knownBootID.withLock { known in
                if known == nil { known = text("/proc/sys/kernel/random/boot_id")?.trimmingNewline }
                return known ?? ""
            }
        }

        private static let knownBootID = Mutex<String?>(nil)

        private static func text(_ path: String) -> String? {
            Files.read(path, limit: 4096).map { String(decoding: $0, as: UTF8.self) }
        }
    #else
        private static let currentBootID: String = {
            var size = 0
            guard sysctlbyname("kern.bootsessionuuid", nil, &size, nil, 0) == 0 else { return "" }
            var text = [CChar](repeating: 0, count: size + 1)
            guard sysctlbyname("kern.bootsessionuuid", &text, &size, nil, 0) == 0 else { return "" }
            return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        }()
    #endif
}

extension String {
    fileprivate var trimmingNewline: String { last == "\n" ? String(dropLast()) : self }
}
