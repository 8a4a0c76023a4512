internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// Knows which owners live: each process holds, for its life, a lock on a file of its own in `owners/`.
///
/// A killed process frees its sessions at once, a stopped one keeps them, and nothing is periodic.
final class SessionOwners: Sendable {
    private let directory: String
    private let ids: any IDGenerator
    private let own = Mutex<(id: UniqueID, file: LifeFile)?>(nil)

    init(directory: String, ids: any IDGenerator) {
        self.directory = directory
        self.ids = ids
    }

    /// The id of this process, whose file is made by the first call, and made again when somebody has removed it.
    func current() throws(StoreError) -> UniqueID {
        let result: Result<UniqueID, StoreError> = own.withLock { own in
            if let own, own.file.isInPlace { return .success(own.id) }
            let id = own?.id ?? ids.uniqueID(at: Timestamp(milliseconds: 0))
            do throws(SystemError) {
                try Directories.create(directory)
                if let why = FileOwnership.problem(of: directory, .directory) {
                    return .failure(.unsafe(path: directory, why: why))
                }
                own = (id, try LifeFile(creating: path(of: id)))
                return .success(id)
            } catch {
                return .failure(StoreError(error))
            }
        }
        return try result.get()
    }

    func state(of id: UniqueID?) -> OwnerState {
        guard let id else { return .nobody }
        if own.withLock({ $0?.id == id }) { return .thisProcess }
        switch LifeFile.holder(of: path(of: id)) {
        case .nobody: return .dead
        case .missing: return .nobody
        case .process: return .otherProcess
        case .unknown: return .unknown
        }
    }

    /// Checks that no other process has a session.
    ///
    /// - Throws: ``StoreError/ownedElsewhere``, or ``StoreError/ownerUnknown(_:)`` when that cannot be determined.
    func requireFree(_ id: UniqueID?) throws(StoreError) {
        guard let id, !own.withLock({ $0?.id == id }) else { return }
        switch LifeFile.holder(of: path(of: id)) {
        case .nobody, .missing: return
        case .process: throw .ownedElsewhere
        case .unknown(let error): throw .ownerUnknown(error.message)
        }
    }

    /// Ends this process's life as an owner, and removes the files of processes that were killed.
    func release() {
        own.withLock { own in
            own?.file.release()
            own = nil
        }
        guard FileOwnership.problem(of: directory, .directory) == nil else { return }
        LifeFile.removeAbandoned(in: directory)
    }

    private func path(of id: UniqueID) -> String { "\(directory)/\(id).lock" }
}

extension StoreError {
    init(_ error: SystemError) {
        if error.isReadOnly {
            self = .readOnly
        } else if error.isDiskFull {
            self = .diskFull
        } else {
            self = .failed(error.message)
        }
    }
}
