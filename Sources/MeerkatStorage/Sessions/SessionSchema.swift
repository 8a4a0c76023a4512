internal import MeerkatCore

/// The tables of the session database.
///
/// An entry's key is its session's number and its `seq` in one integer, so a session's entries lie side by side.
enum SessionSchema {
    static let version: Int64 = 3
    /// Marks the file as ours; the letters MKAT.
    private static let applicationID: Int64 = 0x4D4B_4154

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
        PRAGMA application_id = 1296777556;
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

    /// Checks that a file of this version holds what this code has made and nothing else.
    ///
    /// - Throws: ``StoreError/unsafe(path:why:)``.
    static func verify(_ connection: SQLiteConnection, at path: String) throws(StoreError) {
        // Files of earlier builds have no mark.
        let found = try connection.integer("PRAGMA application_id") ?? 0
        guard found == 0 || found == applicationID else {
            throw .unsafe(path: path, why: "it is a database of another application")
        }
        let statement = try connection.statement("SELECT name, sql FROM sqlite_schema")
        defer { statement.reset() }
        var missing = expected
        while try statement.step() {
            let name = statement.text(0) ?? ""
            let isInternal = statement.isNull(1) && name.hasPrefix("sqlite_autoindex_") || name.hasPrefix("sqlite_stat")
            guard !isInternal else { continue }
            guard let text = missing.removeValue(forKey: name), statement.text(1).map(packed) == text else {
                throw .unsafe(path: path, why: "it holds \"\(name.quoted)\", which no rkat has made")
            }
        }
        guard missing.isEmpty else {
            throw .unsafe(path: path, why: "it does not hold the tables of a session database")
        }
    }

    /// The statements that make what a file holds, by name.
    ///
    /// SQLite keeps them as they were written, and adds the columns of later versions to them in the same form.
    private static let expected: [String: [UInt8]] = {
        var statements: [String: [UInt8]] = [:]
        for statement in tables.split(separator: ";") {
            let words = statement.split { $0.isWhitespace || $0 == "(" }
            if words.count > 2, words[0] == "CREATE" { statements[String(words[2])] = packed(statement) }
        }
        return statements
    }()

    /// A statement without white space.
    private static func packed(_ sql: some StringProtocol) -> [UInt8] {
        sql.utf8.filter { $0 > UInt8(ascii: " ") }
    }

    static func userVersion(_ connection: SQLiteConnection) throws(StoreError) -> Int64 {
        try connection.integer("PRAGMA user_version") ?? 0
    }
}
