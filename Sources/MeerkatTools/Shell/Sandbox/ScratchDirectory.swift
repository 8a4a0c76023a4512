internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// The temporary directory of the commands of a session: made for the first one, removed with the session.
final class ScratchDirectory: Sendable {
    private let name: String
    private let made = Mutex<String?>(nil)

    /// - Parameter id: like no other.
    init(id: String) {
        name = "rkat-\(id)"
    }

    deinit { remove() }

    /// Its path, without links.
    ///
    /// It has the directories `tmp` and `shm`.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)``.
    func path() throws(ToolError) -> String {
        try made.withLock { (made) throws(ToolError) in
            if let made { return made }
            do throws(SystemError) {
                let path = try Directories.createNew(name, in: Directories.temporary)
                for part in ["tmp", "shm"] { _ = try Directories.createNew(part, in: path) }
                made = path
                return path
            } catch {
                throw .executionFailed("the temporary directory of the command cannot be made: \(error.message)")
            }
        }
    }

    /// Removes it with all that is in it; nothing may run in it any more.
    func remove() {
        let path = made.withLock { $0.take() }
        if let path { Directories.removeTree(path) }
    }
}
