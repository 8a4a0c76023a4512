internal import CSQLite
internal import MeerkatCore

/// A connection to a database file and the statements prepared on it.
///
/// Unchecked because SQLite's own handle is not: a connection is used by one thread at a time, the writer's or that
/// of the one reader who took it out of the pool.
final class SQLiteConnection: @unchecked Sendable {  // one thread at a time
    enum Mode {
        /// Creates the file when there is none.
        case write
        /// The file must exist.
        case read
    }

    private let handle: OpaquePointer
    private var statements: [String: SQLiteStatement] = [:]

    init(path: String, mode: Mode) throws(StoreError) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (mode == .write ? SQLITE_OPEN_CREATE : 0)
        let status = sqlite3_open_v2(path, &handle, flags, nil)
        guard status == SQLITE_OK, let handle else {
            let error = StoreError(sqlite: status, on: handle)
            sqlite3_close(handle)
            throw error
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_handler(handle, { _, tries in SQLiteConnection.waitWhileBusy(tries) }, nil)
    }

    deinit { close() }

    private var isOpen = true

    /// Ends the connection; the last one to go folds the write-ahead log into the file.
    func close() {
        guard isOpen else { return }
        isOpen = false
        for statement in statements.values { statement.finalize() }
        statements = [:]
        sqlite3_close(handle)
    }

    /// Waits a jittered while for another process's lock; gives up after about ten seconds.
    private static func waitWhileBusy(_ tries: Int32) -> Int32 {
        // 1, 2, 4 … 50 ms, each ±50 %: some 200 tries make ten seconds.
        guard tries < 210 else { return 0 }
        let base = min(1 << min(tries, 6), 50)
        sqlite3_sleep(max(1, Int32.random(in: Int32(base / 2)...Int32(base * 3 / 2))))
        return 1
    }

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

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
    /// Whether a transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
}

extension StoreError {
    init(sqlite status: Int32, on handle: OpaquePointer?) {
        let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(status))
        switch status & 0xFF {
        case SQLITE_FULL: self = .diskFull
        case SQLITE_READONLY, SQLITE_PERM: self = .readOnly
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt(text)
        default: self = .failed(text)
        }
    }
}
