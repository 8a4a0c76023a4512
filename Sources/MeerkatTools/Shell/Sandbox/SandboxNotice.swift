internal import MeerkatIO
internal import Synchronization

/// Reports once in a session what its sandbox does not keep.
final class SandboxNotice: Sendable {
    private let isGiven = Mutex(false)

    /// The names of promises that were not kept, the first time that there are any.
    func names(of missing: [SandboxPromise]) -> [String] {
        guard !missing.isEmpty else { return [] }
        return isGiven.withLock { isGiven in
            defer { isGiven = true }
            return isGiven ? [] : missing.map(\.rawValue)
        }
    }
}
