/// Keeps journals.
///
/// Implementations pass one conformance suite.
///
/// *Durable* means: survives the death of the process. An append either happens as a whole or not at all.
public protocol SessionStore: Sendable {
    /// Appends entries to a session, creating it when the first entry has `seq` 1.
    ///
    /// Not ended by cancellation: when it returns, the entries are durable; when it throws, none of them is.
    func append(_ append: SessionAppend) async throws(StoreError)

    /// A session's row, or nil.
    func session(_ id: SessionID) throws(StoreError) -> StoredSession?

    /// Entries with a `seq` greater than `seq`, in order, at most `limit`.
    func entries(of id: SessionID, after seq: Int, limit: Int) throws(StoreError) -> [Entry.Stored]

    /// The session that a run belongs to, or nil when no such run was ever started.
    func session(ofRun run: RunID) throws(StoreError) -> SessionID?

    /// Sessions that are not archived, last updated first, from behind `cursor`.
    func list(after cursor: SessionCursor?, limit: Int) throws(StoreError) -> [StoredSession]

    /// Removes a session and everything said in it; nothing happens when there is none.
    ///
    /// - Throws: ``StoreError/ownedElsewhere`` while another process runs it.
    func delete(_ id: SessionID) async throws(StoreError)

    /// Finishes what is being written and lets go of the files.
    func close() async
}

/// Entries to be appended together.
public struct SessionAppend: Sendable {
    /// What happens to the right to run the session.
    public enum Ownership: Sendable, Hashable {
        /// The process takes it, if no living process has it.
        case take
        /// The process must have it.
        case keep
        /// The process must have it and gives it up.
        case release
        /// It stays with who has it; another living process must not.
        case ignore
    }

    public var session: SessionID
    /// At least one; `seq` continues the session without a gap.
    public var entries: [Entry]
    /// The state after these entries.
    public var summary: SessionSummary
    public var ownership: Ownership
    /// A run that begins with these entries; its id must be new.
    public var newRun: RunID?

    public init(
        session: SessionID, entries: [Entry], summary: SessionSummary, ownership: Ownership, newRun: RunID? = nil
    ) {
        self.session = session
        self.entries = entries
        self.summary = summary
        self.ownership = ownership
        self.newRun = newRun
    }
}

/// What is shown of a session without reading its entries.
public struct SessionSummary: Sendable, Hashable {
    public var id: SessionID
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var messageCount: Int
    public var usage: Usage
    public var spending: Spending
    public var lastText: String?
    public var isArchived: Bool
    /// A run that has started and not ended.
    public var openRun: RunID?
    /// The entry to begin reading with, a summary that tells everything before it; 0 is the first.
    public var restartSeq: Int

    public init(
        id: SessionID, createdAt: Timestamp, updatedAt: Timestamp, messageCount: Int, usage: Usage,
        spending: Spending, lastText: String?, isArchived: Bool, openRun: RunID?, restartSeq: Int = 0
    ) {
        self.spending = spending
        self.restartSeq = restartSeq
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.messageCount = messageCount
        self.usage = usage
        self.lastText = lastText
        self.isArchived = isArchived
        self.openRun = openRun
    }

    public init(_ state: SessionState) {
        self.init(
            id: state.id, createdAt: state.createdAt, updatedAt: state.updatedAt, messageCount: state.messageCount,
            usage: state.usage, spending: state.spending, lastText: state.lastText, isArchived: state.isArchived,
            openRun: state.openRun?.id,
            restartSeq: state.restartSeq)
    }
}

/// A session's row.
public struct StoredSession: Sendable, Hashable {
    /// Who has the right to run a session.
    public enum Owner: Sendable, Hashable {
        case nobody, thisProcess, otherProcess
    }

    public var summary: SessionSummary
    public var owner: Owner

    public init(summary: SessionSummary, owner: Owner) {
        self.summary = summary
        self.owner = owner
    }

    /// The run that was cut off: it has not ended and no living process runs it.
    public var interruptedRun: RunID? { owner == .nobody ? summary.openRun : nil }
}

/// The place behind one session in a list ordered by last update.
public struct SessionCursor: Sendable, Hashable {
    public var updatedAt: Timestamp
    public var id: SessionID

    public init(updatedAt: Timestamp, id: SessionID) {
        self.updatedAt = updatedAt
        self.id = id
    }
}

/// Why a store could not do what it was asked.
public enum StoreError: Error, Sendable, Hashable {
    /// Someone else appended in the meantime.
    case conflict
    /// Another living process runs the session.
    case ownedElsewhere
    /// The run id was used before.
    case duplicateRun
    case notFound
    /// Entries of a newer format: the session can be read in part and not continued.
    case unreadable(UnreadableEntry)
    case diskFull
    case readOnly
    /// Another process kept the database locked for too long.
    case busy
    /// The database stands on a file system that cannot lock.
    case networkFileSystem(path: String)
    /// The stored bytes are damaged.
    case corrupt(String)
    case failed(String)

    /// A stable word for `details.reason`.
    public var reason: String {
        switch self {
        case .conflict: "conflict"
        case .ownedElsewhere: "owned_elsewhere"
        case .duplicateRun: "duplicate_run"
        case .notFound: "not_found"
        case .unreadable: "store_format"
        case .diskFull: "store_full"
        case .readOnly: "store_read_only"
        case .busy: "store_busy"
        case .networkFileSystem: "store_network_file_system"
        case .corrupt: "store_corrupt"
        case .failed: "store_failed"
        }
    }

    public var message: String {
        switch self {
        case .conflict: "the session was changed by another process"
        case .ownedElsewhere: "another process is running this session"
        case .duplicateRun: "the run id was used before"
        case .notFound: "no such session"
        case .unreadable(let entry):
            "entry \(entry.seq) is of kind \"\(entry.kind)\", version \(entry.version): written by a newer rkat; "
                + "the session is read-only for this one"
        case .diskFull: "the disk is full"
        case .readOnly: "the session store cannot be written"
        case .busy: "the session store was locked by another process for too long"
        case .networkFileSystem(let path):
            "\(path) is on a network file system, which cannot lock reliably; set storage.directory to a local one"
        case .corrupt(let text): "the session store is damaged: \(text)"
        case .failed(let text): "the session store failed: \(text)"
        }
    }
}
