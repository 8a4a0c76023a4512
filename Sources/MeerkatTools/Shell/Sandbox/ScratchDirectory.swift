internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// The temporary directory of the commands of a session: made for the first one, removed with the session.
///
/// Its process holds a lock on it. The next process removes what it finds without one.
final class ScratchDirectory: Sendable {
    private static let prefix = "rkat-scratch-"
    private static let hasSwept = Mutex(false)

    private let name: String
    private let made = Mutex<(path: String, lock: DirectoryLock?)?>(nil)

    /// - Parameter id: like no other.
    init(id: String) {
        name = Self.prefix + id
    }

    deinit { remove() }

    /// Its path, without links.
    ///
    /// It has the directories `tmp` and `shm`.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)``.
    func path() throws(ToolError) -> String {
        try made.withLock { (made) throws(ToolError) in
            if let made { return made.path }
            do throws(SystemError) {
                Self.sweep()
                let path = try Directories.createNew(name, in: Directories.temporary)
                for part in ["tmp", "shm"] { _ = try Directories.createNew(part, in: path) }
                // Without the lock another process may remove it, which a command would notice.
                made = (path, try? DirectoryLock(path, patience: .zero))
                return path
            } catch {
                throw .executionFailed("the temporary directory of the command cannot be made: \(error.message)")
            }
        }
    }

    /// Removes it with all that is in it; nothing may run in it any more.
    func remove() {
        guard let (path, lock) = made.withLock({ $0.take() }) else { return }
        Directories.removeTree(path)
        lock?.release()
    }

    /// Removes what processes that were killed have left, once in the life of this one.
    private static func sweep() {
        guard
            hasSwept.withLock({ hasSwept in
                defer { hasSwept = true }; return !hasSwept
            })
        else { return }
        let directory = Directories.temporary
        for name in Directories.names(in: directory) where name.hasPrefix(prefix) {
            let path = "\(directory)/\(name)"
            // A living process has the lock; a new directory may not have it yet.
            guard Directories.isPrivateAndOld(path), let lock = try? DirectoryLock(path, patience: .zero) else {
                continue
            }
            Directories.removeTree(path)
            lock.release()
        }
    }
}
