internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Bounds what the files of a directory of outputs take together, by removing the oldest complete ones.
public final class OutputQuota: Sendable {
    private struct File {
        var path: String
        var size: Int
    }

    private struct State {
        /// Bytes of all files, those that are being written included.
        var used = 0
        /// The oldest first.
        var complete: [File] = []
        var removed: [String] = []
        var hasLooked = false
    }

    private let directory: String
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - directory: holds nothing but outputs; looked at when the first byte is to be written.
    ///   - limit: most bytes.
    public init(directory: String, limit: Int = 1 << 30) {
        self.directory = directory
        self.limit = limit
    }

    /// Takes room for bytes of a file that is being written.
    ///
    /// - Returns: how many of `count` may be written.
    func take(_ count: Int) -> Int {
        state.withLock { state in
            look(&state)
            while state.used + count > limit, !state.complete.isEmpty {
                let oldest = state.complete.removeFirst()
                // A file that stays although it is to be removed keeps its room.
                guard unlink(oldest.path) == 0 || errno == ENOENT else { continue }
                state.used -= oldest.size
                state.removed.append(oldest.path)
            }
            let room = max(0, min(count, limit - state.used))
            state.used += room
            return room
        }
    }

    /// Allows a file to be removed to make room for another one.
    func complete(_ path: String, _ size: Int) {
        state.withLock { $0.complete.append(File(path: path, size: size)) }
    }

    /// The files that were removed since this was last asked.
    public func takeRemoved() -> [String] {
        state.withLock { state in
            defer { state.removed = [] }
            return state.removed
        }
    }

    /// Finds what an earlier process has left.
    private func look(_ state: inout State) {
        guard !state.hasLooked else { return }
        state.hasLooked = true
        var found: [(file: File, modified: Int64)] = []
        for name in Directories.names(in: directory) {
            let path = "\(directory)/\(name)"
            var info = stat()
            guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
            found.append((File(path: path, size: Int(info.st_size)), FileStamp(info).modified))
        }
        found.sort { $0.modified < $1.modified }
        state.complete = found.map(\.file) + state.complete
        state.used += found.reduce(0) { $0 + $1.file.size }
    }
}
