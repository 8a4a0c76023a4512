#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Small files that are read and replaced as a whole.
public enum AtomicFile {
    /// The bytes of a regular file, or nil when there is none.
    ///
    /// - Throws: ``SystemError``; `EINVAL` for anything that is no regular file, `EFBIG` for one above the limit.
    public static func contents(of path: String, limit: Int) throws(SystemError) -> [UInt8]? {
        try GuardedFiles.check(path)
        // Not blocking, or opening a named pipe would wait for its other end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError.last(path)
        }
        return try OpenFile(descriptor: descriptor, path: path).readAll(limit: limit)
    }

    /// Replaces a file so that at any time, a power cut included, it is the old or the new one.
    ///
    /// An existing file keeps its permissions, unless `keepsMode` is false; a new one gets `mode`, less what the process
    /// masks out: by default it is for this user only. A symbolic link is replaced, not followed.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o600, keepsMode: Bool = true
    ) throws(SystemError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        try OpenDirectory(parent).replace(name, with: bytes, mode: mode, keepsMode: keepsMode)
    }
}

/// What tells one state of a file from another without reading it.
public struct FileStamp: Sendable, Hashable {
    public var device: UInt64
    public var inode: UInt64
    public var size: Int64
    /// Nanoseconds since 1970.
    public var modified: Int64
    public var changed: Int64

    /// Nil when there is no such file.
    public init?(of path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(info)
    }

    init(_ info: stat) {
        device = UInt64(truncatingIfNeeded: info.st_dev)
        inode = UInt64(truncatingIfNeeded: info.st_ino)
        size = Int64(info.st_size)
        #if canImport(Darwin)
            modified = Self.nanoseconds(info.st_mtimespec)
            changed = Self.nanoseconds(info.st_ctimespec)
        #else
            modified = Self.nanoseconds(info.st_mtim)
            changed = Self.nanoseconds(info.st_ctim)
        #endif
    }

    /// Whether a change made now would surely show: clocks of file systems advance in steps of some milliseconds.
    public var isSettled: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let (age, overflow) = Self.nanoseconds(now).subtractingReportingOverflow(max(modified, changed))
        return overflow || age > 50_000_000
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
