internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// The only writer of a session database in this process; everything here happens on its one thread.
///
/// Unchecked because of `file`: it is touched by the thread of the worker that calls ``handle(_:)``, and by
/// ``close()`` after that worker has ended.
final class SessionWriter: @unchecked Sendable {  // one thread at a time
    typealias Reply = UnsafeContinuation<Result<Claim?, StoreError>, Never>

    struct Request: Sendable {
        enum Kind: Sendable {
            case append(SessionAppend, bodies: [[UInt8]])
            case claim(SessionID, nextSeq: Int)
            case release(Claim, SessionID)
            case delete(SessionID)
        }

        var kind: Kind
        var reply: Reply
        /// When a request that still waits for a lock is refused, in nanoseconds of ``TimerThread/uptime``.
        var deadline: UInt64
    }

    private typealias Outcome = Result<Claim?, StoreError>

    private let database: SessionDatabase
    private let owners: SessionOwners
    private var file: DatabaseFile?
    /// Whether the write-ahead log still holds what was deleted.
    private var logHoldsDeleted = false

    /// Longest wait, in nanoseconds, for readers that keep a deleted session in the write-ahead log.
    private static let patienceWithReaders: UInt64 = 1_000_000_000

    init(_ database: SessionDatabase, owners: SessionOwners) {
        self.database = database
        self.owners = owners
    }

    func close() {
        forgetDeleted()
        file?.close()
        file = nil
    }

    // MARK: Transactions

    /// Does what waits in one transaction.
    ///
    /// A lock that others hold for too long refuses the requests whose time is over, all at once. When a transaction
    /// fails for another reason, each of its requests is tried alone, so that one that cannot be done takes no other
    /// with it.
    func handle(_ requests: [Request]) {
        var rest = requests[...]
        while !rest.isEmpty {
            do throws(StoreError) {
                let outcomes = try transaction(rest)
                if logHoldsDeleted { forgetDeleted() }
                for (request, outcome) in zip(rest, outcomes) { request.reply.resume(returning: outcome) }
                return
            } catch {
                switch error {
                case .busy: rest = refuseOverdue(rest)
                // The file as a whole is at fault.
                case .replaced, .unreadable, .networkFileSystem: return refuse(rest, error)
                default:
                    guard rest.count > 1 else { return refuse(rest, error) }
                    for request in rest { handle([request]) }
                    return
                }
            }
        }
    }

    private func refuse(_ requests: ArraySlice<Request>, _ error: StoreError) {
        for request in requests { request.reply.resume(returning: .failure(error)) }
    }

    /// Refuses the requests that have waited for long enough, at least one, and returns the others.
    private func refuseOverdue(_ requests: ArraySlice<Request>) -> ArraySlice<Request> {
        let now = TimerThread.uptime
        let earliest = requests.lazy.map(\.deadline).min() ?? now
        var rest: [Request] = []
        for request in requests {
            if request.deadline <= max(now, earliest) {
                request.reply.resume(returning: .failure(.busy))
            } else {
                rest.append(request)
            }
        }
        return rest[...]
    }

    private func transaction(_ requests: ArraySlice<Request>) throws(StoreError) -> [Outcome] {
        let deadline = requests.lazy.map(\.deadline).min() ?? 0
        let file = try opened(until: deadline)
        let connection = file.connection
        connection.waitsForLocks(until: deadline)
        do throws(StoreError) {
            try connection.statement("BEGIN IMMEDIATE").run()
            try file.checkPlace(isWriting: true)
            try SessionSchema.check(connection)
            var outcomes: [Outcome] = []
            for request in requests { outcomes.append(try perform(request.kind, on: connection)) }
            try connection.statement("COMMIT").run()
            return outcomes
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }  // the first error is reported
            // The next request opens what is there by then.
            if case .replaced = error { close() }
            throw error
        }
    }

    /// Takes what was deleted out of the write-ahead log, which keeps it otherwise until it is written anew.
    ///
    /// Another process that reads at this time may prevent that; then it is tried again after the next transaction.
    private func forgetDeleted() {
        guard logHoldsDeleted, let connection = file?.connection else { return }
        connection.waitsForLocks(until: TimerThread.uptime.addingClamped(Self.patienceWithReaders))
        logHoldsDeleted = (try? connection.integer("PRAGMA wal_checkpoint(TRUNCATE)")) != 0
    }

    private func opened(until deadline: UInt64) throws(StoreError) -> DatabaseFile {
        if let file { return file }
        let opened = try database.openForWriting(until: deadline)
        file = opened
        return opened
    }

    /// Does one request inside the open transaction.
    ///
    /// A failed check leaves the transaction untouched and is an outcome; a failed statement throws and ends it.
    private func perform(_ kind: Request.Kind, on connection: SQLiteConnection) throws(StoreError) -> Outcome {
        switch kind {
        case .append(let append, let bodies): try self.append(append, bodies, on: connection)
        case .claim(let id, let nextSeq): try claim(id, nextSeq, on: connection)
        case .release(let claim, let id): try release(claim, id, on: connection)
        case .delete(let id): try delete(id, on: connection)
        }
    }

    // MARK: Claims

    private struct Row {
        var number: Int64
        var nextSeq: Int64
        var owner: UniqueID?
        var fence: Int64

        func isHeld(by claim: Claim) -> Bool { owner == claim.owner && fence == claim.fence }
    }

    private func row(of id: SessionID, on connection: SQLiteConnection) throws(StoreError) -> Row? {
        let statement = try connection.statement("SELECT number, next_seq, owner, fence FROM sessions WHERE id = ?")
        defer { statement.reset() }
        statement.bind(1, id.uuid)
        guard try statement.step() else { return nil }
        guard (1...Int64(Int32.max)).contains(statement.int(0)), (1...Int64(UInt32.max)).contains(statement.int(1))
        else {
            throw .corrupt("the row of a session has values that make no sense")
        }
        return Row(
            number: statement.int(0), nextSeq: statement.int(1),
            owner: statement.isNull(2) ? nil : statement.uniqueID(2), fence: statement.int(3))
    }

    private func claim(
        _ id: SessionID, _ nextSeq: Int, on connection: SQLiteConnection
    ) throws(StoreError) -> Outcome {
        guard let row = try row(of: id, on: connection) else { return .failure(.notFound) }
        do throws(StoreError) { try owners.requireFree(row.owner) } catch { return .failure(error) }
        guard row.nextSeq == Int64(nextSeq) else { return .failure(.conflict) }
        let claim = Claim(owner: try owners.current(), fence: row.fence &+ 1)
        try set(claim.owner, fence: claim.fence, of: row.number, on: connection)
        return .success(claim)
    }

    private func release(
        _ claim: Claim, _ id: SessionID, on connection: SQLiteConnection
    ) throws(StoreError) -> Outcome {
        guard let row = try row(of: id, on: connection), row.isHeld(by: claim) else { return .success(nil) }
        try set(nil, fence: row.fence, of: row.number, on: connection)
        return .success(nil)
    }

    private func set(
        _ owner: UniqueID?, fence: Int64, of number: Int64, on connection: SQLiteConnection
    ) throws(StoreError) {
        let statement = try connection.statement("UPDATE sessions SET owner = ?, fence = ? WHERE number = ?")
        if let owner { statement.bind(1, owner) } else { statement.bind(1, Int64?.none) }
        statement.bind(2, fence)
        statement.bind(3, number)
        try statement.run()
    }

    // MARK: Append

    private func append(
        _ append: SessionAppend, _ bodies: [[UInt8]], on connection: SQLiteConnection
    ) throws(StoreError) -> Outcome {
        let found = try row(of: append.session, on: connection)
        /// What the row says afterwards.
        var (owner, fence): (UniqueID?, Int64) = (nil, (found?.fence ?? 0) &+ 1)
        switch append.ownership {
        case .take, .momentary:
            do throws(StoreError) { try owners.requireFree(found?.owner) } catch { return .failure(error) }
            if append.ownership == .take { owner = try owners.current() }
        case .hold(let held), .release(let held):
            guard let found, found.isHeld(by: held) else { return .failure(found == nil ? .notFound : .conflict) }
            fence = held.fence
            if case .hold = append.ownership { owner = held.owner }
        }
        let expected = Int64(append.entries[0].seq)
        guard (found?.nextSeq ?? 1) == expected else { return .failure(found == nil ? .notFound : .conflict) }
        if let run = append.newRun, try isKnown(run, on: connection) { return .failure(.duplicateRun) }

        let number = try write(append, owner: owner, fence: fence, into: found?.number, on: connection)
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
        return .success(owner.map { Claim(owner: $0, fence: fence) })
    }

    private func isKnown(_ run: RunID, on connection: SQLiteConnection) throws(StoreError) -> Bool {
        let statement = try connection.statement("SELECT 1 FROM runs WHERE id = ?")
        defer { statement.reset() }
        statement.bind(1, run.uuid)
        return try statement.step()
    }

    /// Writes the session's row and returns its number.
    private func write(
        _ append: SessionAppend, owner: UniqueID?, fence: Int64, into number: Int64?, on connection: SQLiteConnection
    ) throws(StoreError) -> Int64 {
        let summary = append.summary
        let statement: SQLiteStatement
        if let number {
            statement = try connection.statement(
                """
                UPDATE sessions SET next_seq = ?1, owner = ?2, fence = ?3, open_run = ?4, updated_at = ?5,
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
        statement.bind(3, fence)
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

    private func delete(_ id: SessionID, on connection: SQLiteConnection) throws(StoreError) -> Outcome {
        guard let row = try row(of: id, on: connection) else { return .success(nil) }
        do throws(StoreError) { try owners.requireFree(row.owner) } catch { return .failure(error) }
        for sql in [
            "DELETE FROM entries WHERE key BETWEEN (?1 << 32) AND (?1 << 32 | 4294967295)",
            "DELETE FROM runs WHERE session = ?1",
            "DELETE FROM sessions WHERE number = ?1",
        ] {
            let statement = try connection.statement(sql)
            statement.bind(1, row.number)
            try statement.run()
        }
        logHoldsDeleted = true
        return .success(nil)
    }
}
