#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file of a process's own that is locked for as long as the process lives, so that others can see whether it does.
public final class LifeFile: Sendable {
    /// Who holds the lock of a life file.
    public enum Holder: Sendable, Hashable {
        /// The file is there, and its process has ended.
        case nobody
        /// There is no file: its process has ended properly, or somebody has removed the file.
        case missing
        /// A living process, which may be this one.
        case process
        /// The question could not be answered.
        case unknown(SystemError)
    }

    private let descriptor: Int32
    private let file: FileIdentity?
    private let path: String

    /// Creates the file, with mode 0600, and locks it.
    ///
    /// The file appears under its name only when it is locked, so an observer never sees it without its holder.
    ///
    /// - Parameter path: A name that nobody has used before.
    /// - Throws: ``SystemError``.
    public init(creating path: String) throws(SystemError) {
        var attempt = 0
        while true {
            attempt += 1
            let draft = "\(path).\(attempt).new"
            let descriptor = open(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                if errno == EEXIST, attempt < 100 { continue }
                throw SystemError.last(draft)
            }
            // Fails only when somebody clears the directory at this very moment: then it is tried again.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, rename(draft, path) == 0 {
                self.descriptor = descriptor
                file = FileIdentity(of: descriptor)
                self.path = path
                return
            }
            let error = SystemError.last(draft)
            unlink(draft)
            _ = Self.closeDescriptor(descriptor)
            guard attempt < 100, error.isLocked || error.isMissing else { throw error }
        }
    }

    /// Ends the life that the file stands for, and removes it.
    public func release() {
        unlink(path)
        _ = Self.closeDescriptor(descriptor)
    }

    /// Whether the file is still found under its name.
    public var isInPlace: Bool {
        guard let file else { return true }
        return (try? FileIdentity(of: path)) == file  // what cannot be found is not in place
    }

    /// Finds out whether a living process holds a life file.
    ///
    /// Any number of observers may ask at the same time.
    public static func holder(of path: String) -> Holder {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return errno == ENOENT ? .missing : .unknown(SystemError.last(path)) }
        defer { _ = closeDescriptor(descriptor) }
        // A shared lock, because two observers must not take each other for the holder.
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return .nobody }
        return errno == EWOULDBLOCK ? .process : .unknown(SystemError.last(path))
    }

    /// Removes the life files in a directory that no living process holds.
    public static func removeAbandoned(in directory: String) {
        for name in Directories.names(in: directory) {
            let path = "\(directory)/\(name)"
            if name.hasSuffix(".lock") || name.hasSuffix(".new"), holder(of: path) == .nobody { unlink(path) }
        }
    }

    private static func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
}
