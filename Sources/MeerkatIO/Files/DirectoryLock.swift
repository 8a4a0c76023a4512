#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An exclusive lock on a directory among all who ask for it, held until it is released or the process ends.
///
/// It is advisory, and nothing is created for it. On a file system that cannot lock directories, as some on a network,
/// it keeps nobody out.
public final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Locks a directory, blocking the calling thread while someone else has the lock.
    ///
    /// - Parameters:
    ///   - path: An existing directory.
    ///   - patience: The longest wait.
    /// - Throws: ``SystemError``; ``SystemError/isLocked`` when someone else has had the lock all the time.
    public init(_ path: String, patience: Duration) throws(SystemError) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.last(path) }
        let deadline = ContinuousClock.now + patience
        var longest: UInt32 = 1000
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno != EBADF, errno != ENOLCK, errno != EOPNOTSUPP {
            guard errno == EWOULDBLOCK || errno == EINTR, ContinuousClock.now < deadline else {
                let error = SystemError.last(path)
                release()
                throw error
            }
            // Not all at the same time, and less often after a while.
            usleep(.random(in: longest / 4...longest))
            longest = min(longest * 2, 50_000)
        }
    }

    /// Whether this is the lock of the directory at a path, by whatever name.
    public func isOn(_ path: String) -> Bool {
        var locked = stat()
        var named = stat()
        return fstat(descriptor, &locked) == 0 && stat(path, &named) == 0 && locked.st_ino == named.st_ino
            && locked.st_dev == named.st_dev
    }

    public func release() {
        close(descriptor)
    }
}
