internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// The file of the session database; the only code that creates it, opens it or sets its pragmas.
///
/// POSIX drops every lock of a process on a file when the process closes any descriptor of that file, so a single stray
/// `open` and `close` elsewhere would let another process delete the write-ahead log in use. `scripts/check` refuses
/// such code, and ``GuardedFiles`` keeps tools away.
final class SessionDatabase: Sendable {
    /// The connections of this process to one path.
    private struct Connections {
        var count = 0
        /// Somebody has replaced a file under them, and SQLite shares the old one among them until all are closed.
        var areStale = false
    }

    /// Held while a file is created or opened, by all databases of the process: the descriptor that creates the file is
    /// closed before any connection exists.
    private static let connections = Mutex<[String: Connections]>([:])

    private let directory: String
    private let path: String
    private let durability: SQLiteSessionStore.Durability
    private let maximumPages: Int?

    init(directory: String, durability: SQLiteSessionStore.Durability, maximumPages: Int?) {
        self.directory = directory
        path = "\(directory)/\(DatabaseFile.name)"
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
        try checkOwnership()
        guard let file = try open(creating: true) else {
            throw .failed("\(path) was removed while it was being opened")
        }
        let connection = file.connection
        connection.waitsForLocks(until: deadline)
        try connection.set("synchronous", to: durability == .power ? 2 : 1)
        if let maximumPages { try connection.set("max_page_count", to: Int64(maximumPages)) }
        try connection.set("secure_delete", to: 1)
        try SessionSchema.verify(connection, at: path)
        try connection.useWriteAheadLog()
        try SessionSchema.prepare(connection)
        try file.guardAgainstOthers()
        return file
    }

    /// A connection that only reads; `nil` without a database, or with an empty one.
    ///
    /// Waits for the locks of others until `deadline`, in nanoseconds of ``TimerThread/uptime``.
    func openForReading(until deadline: UInt64) throws(StoreError) -> DatabaseFile? {
        try checkOwnership()
        guard let file = try open(creating: false) else { return nil }
        file.connection.waitsForLocks(until: deadline)
        try SessionSchema.verify(file.connection, at: path)
        let version = try SessionSchema.userVersion(file.connection)
        guard version > 0 else { return nil }
        if version < SessionSchema.version { try SessionSchema.prepare(file.connection) }
        try file.connection.set("query_only", to: 1)
        try file.guardAgainstOthers()
        return file
    }

    /// Checks that nobody else can have written what is opened, or can exchange it while it is used.
    private func checkOwnership() throws(StoreError) {
        if let why = FileOwnership.problem(of: directory, .directory) { throw .unsafe(path: directory, why: why) }
        for file in [path, path + "-wal", path + "-shm", path + "-journal"] {
            if let why = FileOwnership.problem(of: file, .file) { throw .unsafe(path: file, why: why) }
        }
    }

    private func open(creating: Bool) throws(StoreError) -> DatabaseFile? {
        try Self.connections.withLock { (connections) throws(StoreError) in
            if connections[path]?.areStale ?? false { throw .replaced(path: path) }
            do throws(SystemError) {
                if creating { try Directories.createPrivateFile(path) }
                guard try FileIdentity(of: path) != nil else { return nil }
            } catch {
                throw StoreError(error)
            }
            let file = try DatabaseFile(in: directory)
            connections[path, default: Connections()].count += 1
            return file
        }
    }

    /// Lets no connection to a path be opened until all are closed.
    fileprivate static func markStale(_ path: String) {
        connections.withLock { $0[path]?.areStale = true }
    }

    fileprivate static func didClose(_ path: String) {
        connections.withLock { connections in
            connections[path]?.count -= 1
            if connections[path]?.count == 0 { connections[path] = nil }
        }
    }
}

/// A connection, and the file that it was opened on.
///
/// Unchecked like its connection: one thread at a time.
final class DatabaseFile: @unchecked Sendable {  // one thread at a time
    static let name = "meerkat.db"

    let connection: SQLiteConnection
    private let path: String
    private let file: FileIdentity
    /// The write-ahead log and its index, once they were used.
    private var log: FileIdentity?
    private var index: FileIdentity?
    /// The directory of all these files.
    private let directory: String
    /// The directory as it was when everything was found in its place.
    private var checked: FileStamp?
    private var guards: [GuardedFiles.Guard] = []
    private var isClosed = false

    fileprivate init(in directory: String) throws(StoreError) {
        path = "\(directory)/\(Self.name)"
        let found = try Self.identity(of: path)
        self.directory = directory
        connection = try SQLiteConnection(path: path)
        guard let file = try Self.identity(of: path), file == found else { throw .replaced(path: path) }
        self.file = file
    }

    deinit { close() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        connection.close()
        guards = []
        SessionDatabase.didClose(path)
    }

    /// Checks that the connection still works on the files that everyone else finds under their names.
    ///
    /// What is written into a removed file is lost, whatever SQLite reports, and processes with different index files do
    /// not see each other's locks. As long as nothing was created, removed or renamed in the directory, one look at the
    /// directory suffices.
    ///
    /// - Parameter isWriting: Whether the write-ahead log is checked as well; only inside a transaction that writes,
    ///   because only then must it exist.
    /// - Throws: ``StoreError/replaced(path:)``.
    func checkPlace(isWriting: Bool = false) throws(StoreError) {
        let found = FileStamp(of: directory)
        if let found, found == checked { return }
        checked = nil
        guard try Self.identity(of: path) == file else { throw replaced(path) }
        if let index {
            guard try Self.identity(of: path + "-shm") == index else { throw replaced(path + "-shm") }
        }
        if isWriting {
            let found = try Self.identity(of: path + "-wal")
            if log == nil { log = found }
            guard let log, log == found else { throw replaced(path + "-wal") }
        }
        if let found, found.isSettled { checked = found }
    }

    private func replaced(_ path: String) -> StoreError {
        SessionDatabase.markStale(self.path)
        return .replaced(path: path)
    }

    /// Keeps other code of this process from opening the files that carry this connection's locks.
    fileprivate func guardAgainstOthers() throws(StoreError) {
        index = try Self.identity(of: path + "-shm")
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
