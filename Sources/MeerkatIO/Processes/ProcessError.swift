#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Why a command could not be run.
public enum ProcessError: Error, Sendable, Hashable {
    /// All file descriptors that the process or the system may have are in use.
    case outOfDescriptors
    /// The system has no room for another process.
    case outOfProcesses
    /// The system has no room for another thread of this program.
    case outOfThreads
    /// The path, an argument, a variable or the directory holds a NUL, or a path is not absolute.
    case invalid(String)
    /// The working directory cannot be entered.
    case workingDirectory(SystemError)
    /// The program cannot be executed.
    case execution(SystemError)
    /// The sandbox must keep these and cannot.
    case sandbox(missing: [SandboxPromise])
    /// Something that should always work.
    case system(SystemError)

    public var message: String {
        switch self {
        case .outOfDescriptors: "too many open files"
        case .outOfProcesses: "the system does not allow another process"
        case .outOfThreads: "the system does not allow another thread"
        case .invalid(let text): "not usable in a command: \(text)"
        case .workingDirectory(let error): "cannot enter \(error.message)"
        case .execution(let error): "cannot execute \(error.message)"
        case .sandbox(let missing):
            "the system cannot confine the command: \(missing.map(\.rawValue).joined(separator: ", ")) cannot be enforced"
        case .system(let error): "cannot run \(error.message)"
        }
    }

    /// The error of a fork, or of the pipes before it.
    init(forking code: Int32, _ executable: String) {
        switch code {
        case EMFILE, ENFILE: self = .outOfDescriptors
        case EAGAIN, ENOMEM: self = .outOfProcesses
        default: self = .system(SystemError(code: code, path: executable))
        }
    }
}
