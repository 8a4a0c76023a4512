#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

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
        guard let opened = FileIdentity(of: descriptor) else { return false }
        return (try? FileIdentity(of: path)) == opened  // what cannot be found is another one
    }

    /// Gives the lock up and removes the file.
    public func release() {
        unlink(path)
        _ = Self.closeDescriptor(descriptor)
    }

    private static func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
}
