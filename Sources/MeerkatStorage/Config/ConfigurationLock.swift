internal import MeerkatCore
internal import MeerkatIO

/// Keeps other processes from changing a file below a `.rkat`, by a lock on the directory that holds it.
///
/// Who needs several takes that of a project's file first and that of the user's directory second.
struct ConfigurationLock {
    let patience: Duration
    /// Nil when an outer lock is on the same directory.
    private let lock: DirectoryLock?
    private let outer: [DirectoryLock]

    /// Creates the directory if there is none and locks it; the file need not exist.
    ///
    /// - Throws: ``ConfigError`` with ``ConfigError/Reason/locked`` when another process keeps the lock.
    init(on path: String, patience: Duration, holding outer: ConfigurationLock? = nil) throws(ConfigError) {
        self.patience = patience
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        self.outer = outer.map { $0.outer + [$0.lock].compactMap(\.self) } ?? []
        if self.outer.contains(where: { $0.isOn(directory) }) {
            lock = nil
            return
        }
        do throws(SystemError) {
            try Directories.create(directory)
            lock = try DirectoryLock(directory, patience: patience)
        } catch {
            throw ConfigError(error.isLocked ? .locked : .unwritable(error.reason), origin: .file(path))
        }
    }

    func release() {
        lock?.release()
    }
}
