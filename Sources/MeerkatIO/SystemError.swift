#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A failed call of the operating system.
public struct SystemError: Error, Sendable, Hashable {
    /// The value of `errno`.
    public var code: Int32
    /// The file that the call was about, or what failed.
    public var path: String

    public init(code: Int32, path: String) {
        self.code = code
        self.path = path
    }

    static func last(_ path: String) -> SystemError { SystemError(code: errno, path: path) }

    public var message: String { "\(path): \(reason)" }
    /// What the system calls the error.
    public var reason: String { String(cString: strerror(code)) }
    public var isReadOnly: Bool { code == EROFS || code == EACCES || code == EPERM }
    /// Whether someone else has the lock.
    public var isLocked: Bool { code == EWOULDBLOCK }
    public var isMissing: Bool { code == ENOENT }
    /// Whether nothing more can be written: to the disk, by this user, or to this file.
    public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
}
