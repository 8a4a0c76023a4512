/// Keeps journals.
///
/// Implementations pass one conformance suite.
///
/// *Durable* means: survives the death of the process. An append either happens as a whole or not at all.
public protocol SessionStore: Sendable {
    /// Appends entries to a session, creating it when the first entry has `seq` 1.
    ///
    /// Not ended by cancellation: when it returns, the entries are durable; when it throws, none of them is.
    ///
    /// - Returns: The claim that this process holds on the session afterwards; `nil` when it holds none.
    /// - Throws: ``StoreError/ownedElsewhere`` and ``StoreError/ownerUnknown`` before ``StoreError/conflict``, so that
    ///   a session that another process runs is never mistaken for one that has merely changed.
    @discardableResult
    func append(_ append: SessionAppend) async throws(StoreError) -> Claim?

    /// Takes the right to change a session before any effect on it, without writing an entry.
    ///
    /// `nextSeq` is the `seq` that the session's next entry has as far as the caller knows.
    ///
    /// - Throws: ``StoreError/conflict`` when the session has changed, and the errors of ``append(_:)``.
    func claim(_ id: SessionID, expecting nextSeq: Int) async throws(StoreError) -> Claim

    /// Gives up a claim; has no effect when the claim was lost before.
    func release(_ claim: Claim, on id: SessionID) async throws(StoreError)

    /// Whether the process that took a claim under this id still lives.
    func state(ofOwner owner: UniqueID) -> OwnerState

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
    /// - Throws: ``StoreError/ownedElsewhere`` while another process runs it, ``StoreError/ownerUnknown`` when that
    ///   cannot be determined.
    func delete(_ id: SessionID) async throws(StoreError)

    /// Finishes what is being written and lets go of the files.
    func close() async
}

/// The right to change a session, held by one process at a time.
///
/// Every effect on a session needs the claim: an append, the end of a process that was left behind, a posted message.
public struct Claim: Sendable, Hashable {
    /// The process that holds the claim.
    public var owner: UniqueID
    /// Counts the claims on the session; one that was taken over since has a lower number.
    public var fence: Int64

    public init(owner: UniqueID, fence: Int64) {
        self.owner = owner
        self.fence = fence
    }
}

/// Who holds a claim.
public enum OwnerState: Sendable, Hashable {
    /// No process, or one that left nothing to be recognized by.
    case nobody
    /// A process that has certainly ended.
    case dead
    case thisProcess
    case otherProcess
    /// It cannot be determined whether the process lives, for example because no descriptor is left.
    case unknown
}

/// Entries to be appended together.
public struct SessionAppend: Sendable {
    /// The claim that an append is made under.
    public enum Ownership: Sendable, Hashable {
        /// The process takes a new claim and keeps it.
        case take
        /// The process holds this claim and keeps it.
        case hold(Claim)
        /// The process holds this claim and gives it up.
        case release(Claim)
        /// The process takes a claim for this transaction alone.
        case momentary
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
    public var summary: SessionSummary
    public var owner: OwnerState
    /// The `seq` of the next entry.
    public var nextSeq: Int

    public init(summary: SessionSummary, owner: OwnerState, nextSeq: Int) {
        self.summary = summary
        self.owner = owner
        self.nextSeq = nextSeq
    }

    /// The run that was cut off: it has not ended and no living process runs it.
    public var interruptedRun: RunID? { owner == .nobody || owner == .dead ? summary.openRun : nil }
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
    /// It cannot be determined whether the process that runs the session lives; the text says why.
    case ownerUnknown(String)
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
    /// The store was closed, because the runtime ends.
    case closed
    /// Somebody removed or replaced a file of the database while it was in use.
    case replaced(path: String)
    /// Somebody else may have written the database, or it holds what no rkat has made.
    case unsafe(path: String, why: String)
    case failed(String)

    /// Whether the session belongs, or may belong, to another process.
    public var isOwnership: Bool {
        switch self {
        case .ownedElsewhere, .ownerUnknown: true
        default: false
        }
    }

    /// A stable word for `details.reason`.
    public var reason: String {
        switch self {
        case .conflict: "conflict"
        case .ownedElsewhere: "owned_elsewhere"
        case .ownerUnknown: "owner_unknown"
        case .duplicateRun: "duplicate_run"
        case .notFound: "not_found"
        case .unreadable: "store_format"
        case .diskFull: "store_full"
        case .readOnly: "store_read_only"
        case .busy: "store_busy"
        case .networkFileSystem: "store_network_file_system"
        case .corrupt: "store_corrupt"
        case .closed: "closing"
        case .replaced: "store_replaced"
        case .unsafe: "store_unsafe"
        case .failed: "store_failed"
        }
    }

    public var message: String {
        switch self {
        case .conflict: "the session was changed by another process"
        case .ownedElsewhere: "another process is running this session"
        case .ownerUnknown(let why):
            "it cannot be determined whether the process that runs this session is alive: \(why)"
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
        case .closed: "the runtime is closing"
        case .replaced(let path): "\(path) was removed or replaced while it was in use"
        case .unsafe(let path, let why): "\(path) is not used: \(why)"
        case .failed(let text): "the session store failed: \(text)"
        }
    }
}
