internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Files that only their owner in this process may open.
///
/// POSIX drops every `fcntl` lock of a process on a file when the process closes any descriptor of it. A tool that
/// searches a folder with an open database in it would take the database's locks away.
public enum GuardedFiles {
    /// Keeps a file guarded for as long as it exists.
    public final class Guard: Sendable {
        private let file: FileIdentity

        init(_ file: FileIdentity) {
            self.file = file
            files.withLock { $0[file, default: 0] += 1 }
        }

        deinit {
            files.withLock { files in
                let count = (files[file] ?? 1) - 1
                files[file] = count > 0 ? count : nil
            }
        }
    }

    /// How many guards each file has.
    private static let files = Mutex<[FileIdentity: Int]>([:])

    /// Lets no other code of this process open a file until the guard is released.
    public static func add(_ file: FileIdentity) -> Guard { Guard(file) }

    /// Checks a file that is about to be opened.
    ///
    /// - Throws: ``SystemError`` with `EACCES` for a guarded file.
    static func check(_ path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        guard !files.withLock({ $0.isEmpty }) else { return }
        var info = stat()
        guard fstatat(directory, path, &info, 0) == 0, files.withLock({ $0[FileIdentity(info)] != nil }) else {
            return
        }
        throw SystemError(code: EACCES, path: path)
    }
}
