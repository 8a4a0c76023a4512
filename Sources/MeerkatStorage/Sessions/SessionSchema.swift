internal import MeerkatCore

/// The tables of the session database.
///
/// An entry's key is its session's number and its `seq` in one integer, so a session's entries lie side by side.
enum SessionSchema {
    static let version: Int64 = 3
    /// Marks the file as ours; the letters MKAT.
    private static let applicationID: Int64 = 0x4D4B_4154

    static func entryKey(session: Int64, seq: Int) -> Int64 { session << 32 | Int64(seq) }

    /// What a file holds.
    private struct Object {
        var name: String
        /// The table that it is, or that it is an index of.
        var table: String
        /// The statement that makes it.
        var sql: String
        /// Columns that later versions have added at the end, with their versions.
        var added: [(version: Int64, column: String)] = []

        var type: String { name == table ? "table" : "index" }

        /// The statement as it is in a file of a version.
        func sql(_ version: Int64) -> String {
            var sql = sql
            for (added, column) in added.reversed() where added > version {
                if let range = sql.ranges(of: column).last { sql.replaceSubrange(range, with: "") }
            }
            return sql
        }
    }

    private static let objects = [
        Object(
            name: "sessions", table: "sessions",
            sql: """
                CREATE TABLE sessions (
                    number INTEGER PRIMARY KEY,
                    id BLOB NOT NULL UNIQUE,
                    next_seq INTEGER NOT NULL,
                    owner BLOB,
                    fence INTEGER NOT NULL DEFAULT 0,
                    open_run BLOB,
                    created_at INTEGER NOT NULL,
                    updated_at INTEGER NOT NULL,
                    message_count INTEGER NOT NULL,
                    usage TEXT NOT NULL,
                    last_text TEXT,
                    archived INTEGER NOT NULL DEFAULT 0, restart_seq INTEGER NOT NULL DEFAULT 0, spending TEXT
                )
                """,
            added: [(2, ", restart_seq INTEGER NOT NULL DEFAULT 0"), (3, ", spending TEXT")]),
        Object(
            name: "sessions_by_update", table: "sessions",
            sql: "CREATE INDEX sessions_by_update ON sessions (archived, updated_at, id)"),
        Object(
            name: "entries", table: "entries", sql: "CREATE TABLE entries (key INTEGER PRIMARY KEY, body BLOB NOT NULL)"
        ),
        Object(
            name: "runs", table: "runs",
            sql: "CREATE TABLE runs (id BLOB PRIMARY KEY, session INTEGER NOT NULL) WITHOUT ROWID"),
        Object(name: "runs_by_session", table: "runs", sql: "CREATE INDEX runs_by_session ON runs (session)"),
    ]

    /// What makes an empty file one of this version.
    private static var tables: String {
        objects.map(\.sql).joined(separator: ";")
            + ";PRAGMA application_id = \(applicationID);PRAGMA user_version = \(version)"
    }

    /// What makes a file of version 1 one of version 2.
    private static let secondVersion = """
        ALTER TABLE sessions ADD COLUMN restart_seq INTEGER NOT NULL DEFAULT 0;
        PRAGMA user_version = 2;
        """

    /// What makes a file of version 2 one of version 3; what its sessions have cost is unknown.
    private static let thirdVersion = """
        ALTER TABLE sessions ADD COLUMN spending TEXT;
        PRAGMA user_version = 3;
        """

    /// Creates the tables in a new file, and raises an older one to this version.
    ///
    /// - Throws: ``StoreError/unreadable(_:)`` when a newer rkat wrote the file.
    static func prepare(_ connection: SQLiteConnection) throws(StoreError) {
        try check(connection)
        if try userVersion(connection) < version {
            try connection.execute("BEGIN IMMEDIATE")
            do throws(StoreError) {
                // Another process may have been faster.
                switch try userVersion(connection) {
                case 0: try connection.execute(tables)
                case 1:
                    try connection.execute(secondVersion)
                    try connection.execute(thirdVersion)
                case 2: try connection.execute(thirdVersion)
                default: break
                }
                try connection.execute("COMMIT")
            } catch {
                if connection.isInTransaction { try? connection.execute("ROLLBACK") }  // the first error is reported
                throw error
            }
        }
        try check(connection)
    }

    static func check(_ connection: SQLiteConnection) throws(StoreError) {
        let found = try userVersion(connection)
        guard found >= 0 else { throw .corrupt("the version \(found) of the database makes no sense") }
        guard found <= version else {
            throw .unreadable(UnreadableEntry(seq: 0, version: Int(found), kind: "database"))
        }
    }

    /// Checks that a file holds what a version of this code has made and nothing else; changes nothing.
    ///
    /// - Throws: ``StoreError/unsafe(path:why:)``; ``StoreError/unreadable(_:)`` when a newer rkat wrote the file.
    static func verify(_ connection: SQLiteConnection, at path: String) throws(StoreError) {
        // All of one moment, or a file that is being made would look half made.
        try connection.execute("BEGIN")
        do throws(StoreError) {
            try check(connection)
            try verify(connection, version: try userVersion(connection), at: path)
            try connection.execute("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }  // the first error is reported
            throw error
        }
    }

    private static func verify(
        _ connection: SQLiteConnection, version: Int64, at path: String
    ) throws(StoreError) {
        // Files of earlier builds have no mark.
        let found = try connection.integer("PRAGMA application_id") ?? 0
        guard found == 0 || found == applicationID else {
            throw .unsafe(path: path, why: "it is a database of another application")
        }
        let statement = try connection.statement("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        defer { statement.reset() }
        var missing = version == 0 ? [] : objects
        while try statement.step() {
            let (type, name, table) = (statement.text(0), statement.text(1) ?? "", statement.text(2))
            if type == "index", statement.isNull(3), name.hasPrefix("sqlite_autoindex_") { continue }
            if type == "table", name == "sqlite_stat1" || name == "sqlite_stat4" { continue }
            guard let index = missing.firstIndex(where: { $0.name == name }) else {
                throw .unsafe(path: path, why: "it holds \"\(name.quoted)\", which no rkat has made")
            }
            let object = missing.remove(at: index)
            guard type == object.type, table == object.table,
                statement.text(3).map(packed) == packed(object.sql(version))
            else {
                throw .unsafe(path: path, why: "its \"\(name.quoted)\" differs from the one that rkat makes")
            }
        }
        guard missing.isEmpty else {
            throw .unsafe(path: path, why: "it does not hold the tables of a session database")
        }
    }

    /// A statement with as little white space as possible: SQLite keeps statements as they were written, and adds the columns
    /// of later versions to them with other spaces and line ends.
    private static func packed(_ sql: String) -> [UInt8] {
        func isPunctuation(_ byte: UInt8) -> Bool { "(),".utf8.contains(byte) }
        var packed: [UInt8] = []
        var isApart = false
        for byte in sql.utf8 {
            if byte <= UInt8(ascii: " ") {
                isApart = true
                continue
            }
            if isApart, let last = packed.last, !isPunctuation(last), !isPunctuation(byte) {
                packed.append(UInt8(ascii: " "))
            }
            isApart = false
            packed.append(byte)
        }
        return packed
    }

    static func userVersion(_ connection: SQLiteConnection) throws(StoreError) -> Int64 {
        try connection.integer("PRAGMA user_version") ?? 0
    }
}
