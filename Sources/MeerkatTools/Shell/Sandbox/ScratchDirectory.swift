internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// The temporary directory of the commands of a session: made for the first one, removed with the session.
///
/// Its process holds a lock on it. The next process removes what it finds without one.
final class ScratchDirectory: Sendable {
    private static let prefix = "rkat-scratch-"
    private static let swept = Mutex<Set<String>>([])

    private let name: String
    private let made = Mutex<(path: String, lock: DirectoryLock?)?>(nil)

    /// - Parameter id: like no other.
    init(id: String) {
        name = Self.prefix + id
    }

    deinit { remove() }

    /// Its path, without links.
    ///
    /// It has the directories `tmp` and `shm`, which a command may write; it may not write the directory itself, where it
    /// could put links in their place.
    ///
    /// - Parameter writable: where a command may write, so that the directory must not be there.
    /// - Returns: the path.
    /// - Throws: ``ToolError/executionFailed(_:)``.
    func path(outside writable: [String]) throws(ToolError) -> String {
        try made.withLock { (made) throws(ToolError) in
            if let path = made?.path {
                guard !writable.contains(where: { path.isWithin($0) }) else { throw Self.isInWritablePlace }
                return path
            }
            let place = [Directories.temporary, "/tmp", "/var/tmp"].lazy
                .compactMap { Directories.resolved($0, unless: { path in writable.contains { path.isWithin($0) } }) }
                .first
            guard let place else { throw Self.isInWritablePlace }
            do throws(SystemError) {
                Self.sweep(place)
                let path = try Directories.createNew(name, in: place)
                for part in ["tmp", "shm"] { _ = try Directories.createNew(part, in: path) }
                // Without the lock another process may remove it, which a command would notice.
                made = (path, try? DirectoryLock(path, patience: .zero))
                return path
            } catch {
                throw .executionFailed("the temporary directory of the command cannot be made: \(error.message)")
            }
        }
    }

    private static let isInWritablePlace = ToolError.executionFailed(
        "the temporary directory of the command would lie where commands may write")

    /// Removes it with all that is in it; nothing may run in it any more.
    func remove() {
        guard let (path, lock) = made.withLock({ $0.take() }) else { return }
        Directories.removeTree(path)
        lock?.release()
    }

    /// Removes what processes that were killed have left, once in the life of this one.
    private static func sweep(_ directory: String) {
        guard swept.withLock({ $0.insert(directory).inserted }) else { return }
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
