internal import CSQLite
internal import MeerkatCore
internal import MeerkatIO

/// A connection to a database file and the statements prepared on it.
///
/// Only ``SessionDatabase`` makes connections. Unchecked because SQLite's own handle is not: a connection is used by one
/// thread at a time, the writer's or that of the one reader who took it out of the pool.
final class SQLiteConnection: @unchecked Sendable {  // one thread at a time
    private let handle: OpaquePointer
    private var statements: [String: SQLiteStatement] = [:]
    /// Read by SQLite's busy handler.
    private let deadline: UnsafeMutablePointer<UInt64>

    /// Opens an existing file, which may be hostile: nothing that it holds is run.
    init(path: String) throws(StoreError) {
        var handle: OpaquePointer?
        let status = sqlite3_open_v2(path, &handle, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, nil)
        guard status == SQLITE_OK, let handle else {
            let error = StoreError(sqlite: status, on: handle)
            sqlite3_close(handle)
            throw error
        }
        self.handle = handle
        deadline = .allocate(capacity: 1)
        deadline.initialize(to: 0)
        sqlite3_extended_result_codes(handle, 1)
        for (which, on) in Self.switches { _ = meerkat_sqlite_switch(handle, which, on) }
        sqlite3_busy_handler(handle, { SQLiteConnection.waitWhileBusy($0, $1) }, deadline)
    }

    private static let switches: [(Int32, Int32)] = [
        (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (SQLITE_DBCONFIG_ENABLE_VIEW, 0), (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    ]

    deinit {
        close()
        deadline.deallocate()
    }

    private var isOpen = true

    /// Ends the connection; the last one to go folds the write-ahead log into the file.
    func close() {
        guard isOpen else { return }
        isOpen = false
        for statement in statements.values { statement.finalize() }
        statements = [:]
        sqlite3_close(handle)
    }

    // MARK: Waiting for locks

    /// Lets statements wait for the locks of others until `uptime`, in nanoseconds of ``TimerThread/uptime``.
    func waitsForLocks(until uptime: UInt64) { deadline.pointee = uptime }

    private static func waitWhileBusy(_ deadline: UnsafeMutableRawPointer?, _ tries: Int32) -> Int32 {
        guard let deadline = deadline?.load(as: UInt64.self), TimerThread.uptime < deadline else { return 0 }
        pause(tries: tries)
        return 1
    }

    /// Sleeps 1, 2, 4 … 50 ms, each ±50 %.
    private static func pause(tries: Int32) {
        let base: Int32 = tries < 6 ? 1 << max(tries, 0) : 50
        sqlite3_sleep(max(1, Int32.random(in: base / 2...base * 3 / 2)))
    }

    /// Repeats what SQLite refuses at once while another process has a lock.
    func retryingWhileBusy<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        var tries: Int32 = 0
        while true {
            do throws(StoreError) { return try body() } catch {
                guard error == .busy, TimerThread.uptime < deadline.pointee else { throw error }
                Self.pause(tries: tries)
                tries += 1
            }
        }
    }

    // MARK: Statements

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(StoreError) {
        let status = sqlite3_exec(handle, sql, nil, nil, nil)
        guard status == SQLITE_OK else { throw StoreError(sqlite: status, on: handle) }
    }

    /// A statement, prepared once per connection and ready to be bound.
    func statement(_ sql: String) throws(StoreError) -> SQLiteStatement {
        if let statement = statements[sql] {
            statement.reset()
            return statement
        }
        var prepared: OpaquePointer?
        let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard status == SQLITE_OK, let prepared else { throw StoreError(sqlite: status, on: handle) }
        let statement = SQLiteStatement(handle: prepared, connection: handle)
        statements[sql] = statement
        return statement
    }

    /// The first column of a statement's only row, as an integer; `nil` without a row.
    func integer(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.int(0) : nil
    }

    /// The first column of a statement's only row, as text; `nil` without a row.
    func text(_ sql: String) throws(StoreError) -> String? {
        let statement = try statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.text(0) : nil
    }

    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
    /// Whether a transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }
}

extension StoreError {
    init(sqlite status: Int32, on handle: OpaquePointer?) {
        let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(status))
        switch status & 0xFF {
        case SQLITE_FULL: self = .diskFull
        case SQLITE_IOERR where handle.map { SystemError(code: sqlite3_system_errno($0), path: "").isDiskFull } ?? false:
            self = .diskFull
        case SQLITE_READONLY, SQLITE_PERM: self = .readOnly
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt(text)
        default: self = .failed(text)
        }
    }
}
