internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// The file of the session database; the only code that creates it, opens it or sets its pragmas.
///
/// POSIX drops every lock of a process on a file when the process closes any descriptor of that file, so a single stray
/// `open` and `close` elsewhere would let another process delete the write-ahead log in use. `scripts/check` refuses
/// such code, and ``GuardedFiles`` keeps tools away.
final class SessionDatabase: Sendable {
    /// Held while the file is created or opened, by all databases of the process: the descriptor that creates the file
    /// is closed before any connection exists.
    private static let opening = Mutex(())

    private let directory: String
    private let path: String
    private let durability: SQLiteSessionStore.Durability
    private let maximumPages: Int?

    init(directory: String, durability: SQLiteSessionStore.Durability, maximumPages: Int?) {
        self.directory = directory
        path = directory + "/meerkat.db"
        self.durability = durability
        self.maximumPages = maximumPages
    }

    /// Whether there is a database.
    ///
    /// - Throws: ``StoreError/failed(_:)`` when that cannot be determined, which is not the same as *no*.
    var exists: Bool {
        get throws(StoreError) {
            do throws(SystemError) { return try FileIdentity(of: path) != nil } catch { throw .failed(error.message) }
        }
    }

    /// A connection for the one writer; creates the file, and raises an older one to this version.
    ///
    /// Waits for the locks of others until `deadline`, in nanoseconds of ``TimerThread/uptime``.
    func openForWriting(until deadline: UInt64) throws(StoreError) -> DatabaseFile {
        do throws(SystemError) { try Directories.create(directory) } catch { throw StoreError(error) }
        guard !Directories.isOnNetwork(directory) else { throw .networkFileSystem(path: directory) }
        guard let file = try open(creating: true) else {
            throw .failed("\(path) was removed while it was being opened")
        }
        let connection = file.connection
        connection.waitsForLocks(until: deadline)
        try connection.set("synchronous", to: durability == .power ? 2 : 1)
        if let maximumPages { try connection.set("max_page_count", to: Int64(maximumPages)) }
        try connection.useWriteAheadLog()
        try SessionSchema.prepare(connection)
        try file.guardAgainstOthers()
        return file
    }

    /// A connection that only reads; `nil` when there is no database, or an empty one.
    ///
    /// Waits for the locks of others until `deadline`, in nanoseconds of ``TimerThread/uptime``.
    func openForReading(until deadline: UInt64) throws(StoreError) -> DatabaseFile? {
        guard let file = try open(creating: false) else { return nil }
        file.connection.waitsForLocks(until: deadline)
        let version = try SessionSchema.userVersion(file.connection)
        guard version > 0 else { return nil }
        if version < SessionSchema.version { try SessionSchema.prepare(file.connection) }
        try file.connection.set("query_only", to: 1)
        try file.guardAgainstOthers()
        return file
    }

    private func open(creating: Bool) throws(StoreError) -> DatabaseFile? {
        try Self.opening.withLock { (_) throws(StoreError) in
            do throws(SystemError) {
                if creating { try Directories.createPrivateFile(path) }
                guard try FileIdentity(of: path) != nil else { return nil }
            } catch {
                throw StoreError(error)
            }
            return try DatabaseFile(path: path)
        }
    }
}

/// A connection, and the file that it was opened on.
///
/// Unchecked like its connection: one thread at a time.
final class DatabaseFile: @unchecked Sendable {  // one thread at a time
    let connection: SQLiteConnection
    private let path: String
    private let file: FileIdentity
    /// Where SQLite keeps the other files: beside the file that a link leads to.
    private let realPath: String
    /// The write-ahead log and its index, once they were used.
    private var log: FileIdentity?
    private var index: FileIdentity?
    private var guards: [GuardedFiles.Guard] = []

    fileprivate init(path: String) throws(StoreError) {
        self.path = path
        let found = try Self.identity(of: path)
        realPath = Directories.resolved(path) ?? path
        connection = try SQLiteConnection(path: path)
        guard let file = try Self.identity(of: path), file == found else { throw .replaced(path: path) }
        self.file = file
    }

    func close() {
        connection.close()
        guards = []
    }

    /// Checks that the connection still works on the file that everyone else finds under its name.
    ///
    /// What is written into a removed file is lost, whatever SQLite reports.
    ///
    /// - Throws: ``StoreError/replaced(path:)``.
    func checkPlace() throws(StoreError) {
        guard try Self.identity(of: path) == file else { throw .replaced(path: path) }
    }

    /// Checks the write-ahead log and its index in the same way; called inside a transaction, while both must exist.
    ///
    /// Processes that have different index files do not see each other's locks.
    func checkLog() throws(StoreError) {
        let (foundLog, foundIndex) = (
            try Self.identity(of: realPath + "-wal"), try Self.identity(of: realPath + "-shm")
        )
        if log == nil { (log, index) = (foundLog, foundIndex) }
        guard let log, log == foundLog else { throw .replaced(path: realPath + "-wal") }
        guard let index, index == foundIndex else { throw .replaced(path: realPath + "-shm") }
    }

    /// Keeps other code of this process from opening the files that carry this connection's locks.
    fileprivate func guardAgainstOthers() throws(StoreError) {
        let index = try Self.identity(of: realPath + "-shm")
        guards = [file, index].compactMap { $0.map(GuardedFiles.add) }
    }

    private static func identity(of path: String) throws(StoreError) -> FileIdentity? {
        do throws(SystemError) { return try FileIdentity(of: path) } catch { throw StoreError(error) }
    }
}

extension SQLiteConnection {
    /// Sets a pragma with an integer value and verifies that it holds.
    fileprivate func set(_ pragma: String, to value: Int64) throws(StoreError) {
        try execute("PRAGMA \(pragma) = \(value)")
        guard try integer("PRAGMA \(pragma)") == value else {
            throw .failed("PRAGMA \(pragma) = \(value) has no effect")
        }
    }

    /// Lets the database use a write-ahead log.
    ///
    /// SQLite refuses the change at once while another process uses the file, without asking the busy handler.
    fileprivate func useWriteAheadLog() throws(StoreError) {
        let mode = try retryingWhileBusy { () throws(StoreError) -> String? in
            let mode = try text("PRAGMA journal_mode")
            return mode == "wal" ? mode : try text("PRAGMA journal_mode = WAL")
        }
        guard mode == "wal" else {
            throw .failed("the file system has no write-ahead log; journal_mode is \(mode ?? "unknown")")
        }
    }
}
