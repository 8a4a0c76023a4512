internal import MeerkatCore

/// The tables of the session database.
///
/// An entry's key is its session's number and its `seq` in one integer, so a session's entries lie side by side.
enum SessionSchema {
    static let version: Int64 = 3

    static func entryKey(session: Int64, seq: Int) -> Int64 { session << 32 | Int64(seq) }

    private static let tables = """
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
            archived INTEGER NOT NULL DEFAULT 0,
            restart_seq INTEGER NOT NULL DEFAULT 0,
            spending TEXT
        );
        CREATE INDEX sessions_by_update ON sessions (archived, updated_at, id);
        CREATE TABLE entries (key INTEGER PRIMARY KEY, body BLOB NOT NULL);
        CREATE TABLE runs (id BLOB PRIMARY KEY, session INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX runs_by_session ON runs (session);
        PRAGMA user_version = 3;
        """

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

    static func userVersion(_ connection: SQLiteConnection) throws(StoreError) -> Int64 {
        try connection.integer("PRAGMA user_version") ?? 0
    }
}
