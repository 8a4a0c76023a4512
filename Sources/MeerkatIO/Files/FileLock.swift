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
    public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
}

/// An exclusive lock on a file, held until it is released or the process ends in whatever way.
public final class FileLock: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Creates the file, with mode 0600, and locks it; a symbolic link is not followed.
    ///
    /// - Throws: ``SystemError``; `EWOULDBLOCK` when another process has the lock.
    public init(creating path: String) throws(SystemError) {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SystemError.last(path) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let error = SystemError.last(path)
                _ = Self.closeDescriptor(descriptor)
                throw error
            }
            if Self.isSame(descriptor, path) {
                self.descriptor = descriptor
                self.path = path
                return
            }
            // Someone took the file for abandoned between the two calls and removed it.
            _ = Self.closeDescriptor(descriptor)
        }
    }

    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
            && opened.st_dev == named.st_dev
    }

    /// Gives the lock up and removes the file.
    public func release() {
        unlink(path)
        _ = Self.closeDescriptor(descriptor)
    }

    /// Whether a living process holds the lock on a file.
    ///
    /// A file without a holder is removed.
    public static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { _ = closeDescriptor(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return true }
        unlink(path)
        return false
    }

    private static func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
}
