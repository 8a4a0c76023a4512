#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Whether others than this user can have written what is read.
public enum FileOwnership {
    public enum Kind: Sendable {
        case directory, file
    }

    /// What keeps a path from being relied upon, for people; nil when nothing does, or when there is nothing.
    ///
    /// It must be of its kind, a link being none; belong to the effective user; and be writable for nobody else. A group
    /// with the user's own number, as many systems give to every user, counts as the user.
    public static func problem(of path: String, _ kind: Kind) -> String? {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? nil : SystemError.last(path).reason
        }
        return problem(info, kind)
    }

    /// Whether a path ends in a symbolic link.
    static func isLink(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK
    }

    static func problem(_ info: stat, _ kind: Kind) -> String? {
        switch (info.st_mode & S_IFMT, kind) {
        case (S_IFDIR, .directory), (S_IFREG, .file): break
        case (S_IFLNK, _): return "it is a symbolic link"
        default: return kind == .file ? "it is not a regular file" : "it is not a directory"
        }
        guard info.st_uid == geteuid() else { return "it belongs to another user" }
        let isShared = info.st_mode & 0o020 != 0 && info.st_gid != info.st_uid
        return isShared || info.st_mode & 0o002 != 0 ? "others may write to it" : nil
    }
}
