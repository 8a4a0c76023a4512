internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// The only writer of a session database in this process; everything here happens on its one thread.
///
/// Unchecked because of `connection`: it is touched by the thread of the worker that calls ``handle(_:)``, and by
/// ``close()`` after that worker has ended.
final class SessionWriter: @unchecked Sendable {  // one thread at a time
    typealias Reply = UnsafeContinuation<Result<Void, StoreError>, Never>

    enum Request: Sendable {
        case append(SessionAppend, bodies: [[UInt8]], Reply)
        case delete(SessionID, Reply)

        var reply: Reply {
            switch self {
            case .append(_, _, let reply), .delete(_, let reply): reply
            }
        }
    }

    private let directory: String
    private let path: String
    private let owners: SessionOwners
    private let durability: SQLiteSessionStore.Durability
    private let maximumPages: Int?
    private var connection: SQLiteConnection?

    init(
        directory: String, path: String, owners: SessionOwners, durability: SQLiteSessionStore.Durability,
        maximumPages: Int?
    ) {
        self.directory = directory
        self.path = path
        self.owners = owners
        self.durability = durability
        self.maximumPages = maximumPages
    }

    func close() {
        connection?.close()
        connection = nil
    }

    /// Does what waits in one transaction.
    ///
    /// When that fails as a whole, each request is tried alone, so that one that cannot be done takes no other with it.
    func handle(_ requests: [Request]) {
        let results: [Result<Void, StoreError>]
        do throws(StoreError) {
            results = try transaction(requests)
        } catch {
            results =
                requests.count == 1
                ? [.failure(error)]
                : requests.map { request in
                    do throws(StoreError) { return try transaction([request])[0] } catch { return .failure(error) }
                }
        }
        for (request, result) in zip(requests, results) { request.reply.resume(returning: result) }
    }

    private func transaction(_ requests: [Request]) throws(StoreError) -> [Result<Void, StoreError>] {
        let connection = try opened()
        try connection.statement("BEGIN IMMEDIATE").run()
        do throws(StoreError) {
            var results: [Result<Void, StoreError>] = []
            for request in requests { results.append(try perform(request, on: connection)) }
            try connection.statement("COMMIT").run()
            return results
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }  // the first error is the one to tell
            throw error
        }
    }

    private func opened() throws(StoreError) -> SQLiteConnection {
        if let connection { return connection }
        do throws(SystemError) {
            try Directories.create(directory)
            try Directories.createPrivateFile(path)
        } catch {
            throw StoreError(error)
        }
        guard !Directories.isOnNetwork(directory) else { throw .networkFileSystem(path: directory) }
        let connection = try SQLiteConnection(path: path, mode: .write)
        try connection.execute("PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
        try connection.execute("PRAGMA journal_mode = WAL")
        if let maximumPages { try connection.execute("PRAGMA max_page_count = \(maximumPages)") }
        try SessionSchema.prepare(connection)
        self.connection = connection
        return connection
    }

    /// Does one request inside the open transaction.
    ///
    /// A failed check leaves the transaction untouched and is a result; a failed statement throws and ends it.
    private func perform(
        _ request: Request, on connection: SQLiteConnection
    ) throws(StoreError) -> Result<Void, StoreError> {
        switch request {
        case .append(let append, let bodies, _): try self.append(append, bodies, on: connection)
        case .delete(let id, _): try delete(id, on: connection)
        }
    }

    // MARK: Append

    private struct Row {
        var number: Int64
        var nextSeq: Int64
        var owner: UniqueID?
    }

    private func row(of id: SessionID, on connection: SQLiteConnection) throws(StoreError) -> Row? {
        let statement = try connection.statement("SELECT number, next_seq, owner FROM sessions WHERE id = ?")
        defer { statement.reset() }
        statement.bind(1, id.uuid)
        guard try statement.step() else { return nil }
        return Row(
            number: statement.int(0), nextSeq: statement.int(1),
            owner: statement.isNull(2) ? nil : statement.uniqueID(2))
    }

    private func append(
        _ append: SessionAppend, _ bodies: [[UInt8]], on connection: SQLiteConnection
    ) throws(StoreError) -> Result<Void, StoreError> {
        let found = try row(of: append.session, on: connection)
        let expected = Int64(append.entries[0].seq)
        guard (found?.nextSeq ?? 1) == expected else { return .failure(found == nil ? .notFound : .conflict) }
        let owner: UniqueID?
        switch append.ownership {
        case .take:
            guard owners.owner(found?.owner) != .otherProcess else { return .failure(.ownedElsewhere) }
            owner = try owners.current()
        case .keep:
            guard owners.owner(found?.owner) == .thisProcess else { return .failure(.conflict) }
            owner = found?.owner
        case .release:
            guard owners.owner(found?.owner) == .thisProcess else { return .failure(.conflict) }
            owner = nil
        case .ignore:
            guard owners.owner(found?.owner) != .otherProcess else { return .failure(.ownedElsewhere) }
            owner = found?.owner
        }
        if let run = append.newRun, try isKnown(run, on: connection) { return .failure(.duplicateRun) }

        let number = try write(append, owner: owner, into: found?.number, on: connection)
        let insert = try connection.statement("INSERT INTO entries (key, body) VALUES (?, ?)")
        for (entry, body) in zip(append.entries, bodies) {
            insert.bind(1, SessionSchema.entryKey(session: number, seq: entry.seq))
            insert.bind(2, body)
            try insert.run()
        }
        if let run = append.newRun {
            let statement = try connection.statement("INSERT INTO runs (id, session) VALUES (?, ?)")
            statement.bind(1, run.uuid)
            statement.bind(2, number)
            try statement.run()
        }
        return .success(())
    }

    private func isKnown(_ run: RunID, on connection: SQLiteConnection) throws(StoreError) -> Bool {
        let statement = try connection.statement("SELECT 1 FROM runs WHERE id = ?")
        defer { statement.reset() }
        statement.bind(1, run.uuid)
        return try statement.step()
    }

    /// Writes the session's row and returns its number.
    private func write(
        _ append: SessionAppend, owner: UniqueID?, into number: Int64?, on connection: SQLiteConnection
    ) throws(StoreError) -> Int64 {
        let summary = append.summary
        let statement: SQLiteStatement
        if let number {
            statement = try connection.statement(
                """
                UPDATE sessions SET next_seq = ?1, owner = ?2, fence = fence + ?3, open_run = ?4, updated_at = ?5,
                message_count = ?6, usage = ?7, last_text = ?8, archived = ?9, restart_seq = ?10,
                spending = ?11 WHERE number = ?12
                """)
            statement.bind(12, number)
        } else {
            statement = try connection.statement(
                """
                INSERT INTO sessions (next_seq, owner, fence, open_run, updated_at, message_count, usage, last_text,
                archived, restart_seq, spending, id, created_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                """)
            statement.bind(12, summary.id.uuid)
            statement.bind(13, summary.createdAt.milliseconds)
        }
        statement.bind(1, Int64(append.entries[append.entries.count - 1].seq + 1))
        if let owner { statement.bind(2, owner) } else { statement.bind(2, Int64?.none) }
        statement.bind(3, append.ownership == .take ? 1 : 0)
        if let run = summary.openRun { statement.bind(4, run.uuid) } else { statement.bind(4, Int64?.none) }
        statement.bind(5, summary.updatedAt.milliseconds)
        statement.bind(6, Int64(summary.messageCount))
        statement.bind(7, String(decoding: summary.usage.jsonBytes, as: UTF8.self))
        statement.bind(8, summary.lastText)
        statement.bind(9, summary.isArchived ? 1 : 0)
        statement.bind(10, Int64(summary.restartSeq))
        statement.bind(11, String(decoding: summary.spending.jsonBytes, as: UTF8.self))
        try statement.run()
        return number ?? connection.lastInsertedRow
    }

    // MARK: Delete

    private func delete(
        _ id: SessionID, on connection: SQLiteConnection
    ) throws(StoreError) -> Result<Void, StoreError> {
        guard let row = try row(of: id, on: connection) else { return .success(()) }
        guard owners.owner(row.owner) != .otherProcess else { return .failure(.ownedElsewhere) }
        for sql in [
            "DELETE FROM entries WHERE key BETWEEN (?1 << 32) AND (?1 << 32 | 4294967295)",
            "DELETE FROM runs WHERE session = ?1",
            "DELETE FROM sessions WHERE number = ?1",
        ] {
            let statement = try connection.statement(sql)
            statement.bind(1, row.number)
            try statement.run()
        }
        return .success(())
    }
}
