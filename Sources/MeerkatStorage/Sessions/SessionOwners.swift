internal import MeerkatCore
internal import MeerkatIO
internal import Synchronization

/// Tells which processes live: each holds, for its life, a lock on a file of its own in `owners/`.
///
/// A killed process frees its sessions at once, a stopped one keeps them, and nothing is periodic.
final class SessionOwners: Sendable {
    private let directory: String
    private let ids: any IDGenerator
    private let own = Mutex<(id: UniqueID, lock: FileLock)?>(nil)

    init(directory: String, ids: any IDGenerator) {
        self.directory = directory
        self.ids = ids
    }

    /// The id of this process, whose lock is taken by the first call.
    func current() throws(StoreError) -> UniqueID {
        let result: Result<UniqueID, StoreError> = own.withLock { own in
            if let own { return .success(own.id) }
            let id = ids.uniqueID(at: Timestamp(milliseconds: 0))
            do throws(SystemError) {
                try Directories.create(directory)
                own = (id, try FileLock(creating: path(of: id)))
                return .success(id)
            } catch {
                return .failure(StoreError(error))
            }
        }
        return try result.get()
    }

    func owner(_ id: UniqueID?) -> StoredSession.Owner {
        guard let id else { return .nobody }
        if own.withLock({ $0?.id == id }) { return .thisProcess }
        return FileLock.isHeld(path(of: id)) ? .otherProcess : .nobody
    }

    /// Ends this process's life as an owner, and clears away the files of processes that were killed.
    func release() {
        own.withLock { own in
            guard let ended = own else { return }
            ended.lock.release()
            own = nil
            for name in Directories.names(in: directory) where name.hasSuffix(".lock") {
                _ = FileLock.isHeld("\(directory)/\(name)")
            }
        }
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
