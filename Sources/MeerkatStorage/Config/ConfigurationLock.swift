internal import MeerkatCore
internal import MeerkatIO

/// Keeps other processes from changing a file below a `.rkat`, by a lock on the directory that holds it.
///
/// Who needs several takes that of a configuration file first and that of the trust file second.
struct ConfigurationLock {
    let patience: Duration
    /// Nil when an outer lock is on the same directory.
    private let lock: DirectoryLock?

    /// Creates the directory if there is none and locks it; the file need not exist.
    ///
    /// - Throws: ``ConfigError`` with ``ConfigError/Reason/locked`` when another process keeps the lock.
    init(on path: String, patience: Duration, holding outer: ConfigurationLock? = nil) throws(ConfigError) {
        self.patience = patience
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if let held = outer?.lock, held.isOn(directory) {
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
