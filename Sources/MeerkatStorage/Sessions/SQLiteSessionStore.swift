public import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// Keeps journals in one SQLite file on a local disk; several processes may share it.
///
/// Opened by the first use, not before. One thread writes, joining what waits into one transaction; readers have
/// connections of their own and wait for no writer.
public final class SQLiteSessionStore: SessionStore {
    /// What an append has survived when it returns.
    public enum Durability: Sendable, Hashable {
        /// The end of the process. After a power cut a valid prefix is there.
        case process
        /// A power cut as well.
        case power
    }

    /// Longest wait of a writer for the locks of others, in nanoseconds.
    private let patience: UInt64
    /// Longest wait of a reader, which may hold up the requests behind it.
    private static let readPatience: UInt64 = 2_000_000_000
    private let database: SessionDatabase
    private let owners: SessionOwners
    private let writer: SessionWriter
    private let worker: BatchWorker<SessionWriter.Request>
    private let readers = Mutex<(idle: [DatabaseFile], isClosed: Bool)>(([], false))

    /// - Parameters:
    ///   - directory: where `meerkat.db` stands or will be created, with its `owners` folder.
    ///   - durability: what an append has survived when it returns.
    ///   - ids: names this process as an owner.
    ///   - maximumPages: a limit for the size of the file, for tests of a full disk.
    ///   - lockPatience: longest wait for the locks of other processes.
    public init(
        directory: String, durability: Durability = .process, ids: any IDGenerator = RandomIDGenerator(),
        maximumPages: Int? = nil, lockPatience: Duration = .seconds(10)
    ) {
        patience = UInt64(clamping: lockPatience / .nanoseconds(1))

        let database = SessionDatabase(directory: directory, durability: durability, maximumPages: maximumPages)
        let owners = SessionOwners(directory: directory + "/owners", ids: ids)
        let writer = SessionWriter(database, owners: owners)
        self.database = database
        self.owners = owners
        self.writer = writer
        worker = BatchWorker("session-writer") { writer.handle($0) }
    }

    // MARK: Writing

    @discardableResult
    public func append(_ append: SessionAppend) async throws(StoreError) -> Claim? {
        try await request(.append(append, bodies: append.entries.map(\.jsonBytes)))
    }

    public func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim {
        guard let claim = try await request(.claim(id, nextSeq: nextSeq)) else { throw .notFound }
        return claim
    }

    public func release(_ claim: Claim, on id: SessionID) async throws(StoreError) {
        _ = try await request(.release(claim, id))
    }

    public func state(ofOwner owner: UniqueID) -> OwnerState { owners.state(of: owner) }

    public func delete(_ id: SessionID) async throws(StoreError) {
        guard try database.exists else { return }
        _ = try await request(.delete(id))
    }

    private func request(_ kind: SessionWriter.Request.Kind) async throws(StoreError) -> Claim? {
        do throws(SystemError) { try worker.start() } catch { throw .failed(error.message) }
        let result = await withUnsafeContinuation { continuation in
            let deadline = TimerThread.uptime.addingClamped(patience)
            if !worker.submit(SessionWriter.Request(kind: kind, reply: continuation, deadline: deadline)) {
                continuation.resume(returning: Result<Claim?, StoreError>.failure(.closed))
            }
        }
        // SQLite shares what was replaced among all connections of the process.
        if case .failure(.replaced) = result { closeIdleReaders() }
        return try result.get()
    }

    public func close() async {
        let (idle, wasClosed) = readers.withLock { readers in
            defer { readers = ([], true) }
            return (readers.idle, readers.isClosed)
        }
        guard !wasClosed else { return }
        for file in idle { file.close() }
        await withUnsafeContinuation { continuation in
            OSThread.startOrRun("store-close") { [worker, writer, owners] in
                worker.close()
                writer.close()
                owners.release()
                continuation.resume()
            }
        }
    }

    // MARK: Reading

    /// Runs `body` with a connection of its own; `nil` without a database.
    private func read<T>(_ body: (SQLiteConnection) throws(StoreError) -> T) throws(StoreError) -> T? {
        // Readers wait for nobody in WAL mode, unless somebody has locked the whole file.
        let deadline = TimerThread.uptime.addingClamped(min(patience, Self.readPatience))
        guard let file = try reader(until: deadline) else { return nil }
        file.connection.waitsForLocks(until: deadline)
        let value = try body(file.connection)
        readers.withLock { readers in
            if !readers.isClosed, readers.idle.count < 2 { readers.idle.append(file) }
        }
        return value
    }

    /// Closes the connections that nobody uses.
    private func closeIdleReaders() {
        let idle = readers.withLock { readers in
            defer { readers.idle = [] }
            return readers.idle
        }
        for file in idle { file.close() }
    }

    private func reader(until deadline: UInt64) throws(StoreError) -> DatabaseFile? {
        while let file = readers.withLock({ $0.idle.popLast() }) {
            do throws(StoreError) {
                try file.checkPlace()
                return file
            } catch {
                // What was removed or replaced is let go, and what is there now is opened instead.
                file.close()
                closeIdleReaders()
            }
        }
        return try database.exists ? database.openForReading(until: deadline) : nil
    }

    public func session(_ id: SessionID) throws(StoreError) -> StoredSession? {
        let found = try read { (connection) throws(StoreError) -> StoredSession? in
            let statement = try connection.statement("SELECT \(Self.columns) FROM sessions WHERE id = ?")
            defer { statement.reset() }
            statement.bind(1, id.uuid)
            return try statement.step() ? try row(statement) : nil
        }
        return found ?? nil
    }

    public func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored] {
        try read { (connection) throws(StoreError) -> [Entry.Stored] in
            let statement = try connection.statement(
                """
                SELECT entries.body, entries.key & 4294967295 FROM sessions JOIN entries
                ON entries.key > (sessions.number << 32 | ?) AND entries.key <= (sessions.number << 32 | 4294967295)
                WHERE sessions.id = ? ORDER BY entries.key LIMIT ?
                """)
            defer { statement.reset() }
            statement.bind(1, Int64(min(max(seq, 0), Int(UInt32.max))))
            statement.bind(2, id.uuid)
            statement.bind(3, Int64(limit))
            var entries: [Entry.Stored] = []
            while try statement.step() {
                let parsed: Result<Entry.Stored, JSONError> = statement.withBytes(0) { bytes in
                    Result { () throws(JSONError) in try Entry.read(bytes) }
                }
                switch parsed {
                case .success(let entry):
                    // A journal has no gaps, and every entry says where it stands.
                    let expected = max(seq, 0) + entries.count + 1
                    guard entry.seq == expected, statement.int(1) == Int64(expected) else {
                        throw StoreError.corrupt("session \(id): entry \(expected) is missing")
                    }
                    entries.append(entry)
                case .failure(let error): throw StoreError.corrupt("session \(id): \(error)")
                }
            }
            return entries
        } ?? []
    }

    public func session(ofRun run: RunID) throws(StoreError) -> SessionID? {
        let found = try read { (connection) throws(StoreError) -> SessionID? in
            let statement = try connection.statement(
                "SELECT sessions.id FROM runs JOIN sessions ON sessions.number = runs.session WHERE runs.id = ?")
            defer { statement.reset() }
            statement.bind(1, run.uuid)
            return try statement.step() ? statement.uniqueID(0).map { SessionID($0) } : nil
        }
        return found ?? nil
    }

    public func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession] {
        try read { (connection) throws(StoreError) -> [StoredSession] in
            let statement = try connection.statement(
                """
                SELECT \(Self.columns) FROM sessions WHERE archived = 0 AND (updated_at, id) < (?, ?)
                ORDER BY updated_at DESC, id DESC LIMIT ?
                """)
            defer { statement.reset() }
            statement.bind(1, cursor?.updatedAt.milliseconds ?? Int64.max)
            statement.bind(2, cursor?.id.uuid ?? UniqueID(high: .max, low: .max))
            statement.bind(3, Int64(limit))
            var rows: [StoredSession] = []
            while try statement.step() { rows.append(try row(statement)) }
            return rows
        } ?? []
    }

    private static let columns =
        "id, owner, open_run, created_at, updated_at, message_count, usage, last_text, archived, "
        + "restart_seq, spending, next_seq"

    private func row(_ statement: SQLiteStatement) throws(StoreError) -> StoredSession {
        let usage: Result<Usage, JSONError> = statement.withBytes(6) { bytes in
            Result { () throws(JSONError) in
                try JSONReader.read(bytes) { (reader) throws(JSONError) in try Usage(from: &reader) }
            }
        }
        guard let id = statement.uniqueID(0), case .success(let usage) = usage,
            let messageCount = statement.count(5), let restartSeq = statement.count(9),
            let nextSeq = statement.count(11)
        else { throw .corrupt("the row of a session has values that make no sense") }
        let summary = SessionSummary(
            id: SessionID(id), createdAt: Timestamp(milliseconds: statement.int(3)),
            updatedAt: Timestamp(milliseconds: statement.int(4)), messageCount: messageCount, usage: usage,
            spending: spending(statement), lastText: statement.text(7), isArchived: statement.int(8) != 0,
            openRun: statement.isNull(2) ? nil : statement.uniqueID(2).map { RunID($0) },
            restartSeq: restartSeq)
        return StoredSession(
            summary: summary, owner: owners.state(of: statement.isNull(1) ? nil : statement.uniqueID(1)),
            nextSeq: nextSeq)
    }

    /// What the row says of costs; a row of an earlier version says nothing.
    private func spending(_ statement: SQLiteStatement) -> Spending {
        guard let text = statement.text(10) else { return .unknown }
        // What cannot be read is unknown as well.
        return (try? Spending(json: Array(text.utf8))) ?? .unknown
    }
}
