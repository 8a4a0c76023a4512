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
        // Not blocking, or opening a named pipe would wait for its other end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError.last(path)
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw SystemError.last(path) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw SystemError(code: EINVAL, path: path) }
        return try readAll(descriptor, path, limit)
    }

    private static func readAll(_ descriptor: Int32, _ path: String, _ limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &part, part.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError.last(path)
            }
            bytes += part[..<count]
            guard bytes.count <= limit else { throw SystemError(code: EFBIG, path: path) }
        }
    }

    /// Replaces a file so that at any time, a power cut included, it is the old or the new one.
    ///
    /// An existing file keeps its mode, a new one is for this user only. A symbolic link is replaced, not followed.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let name = "\(path).\(UInt32.random(in: 0...UInt32.max)).tmp"
        let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.last(path) }
        do throws(SystemError) {
            defer { close(descriptor) }
            var info = stat()
            if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG {
                guard fchmod(descriptor, info.st_mode & 0o777) == 0 else { throw SystemError.last(path) }
            }
            try writeAll(bytes, to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw SystemError.last(path) }
        } catch {
            unlink(name)
            throw error
        }
        guard rename(name, path) == 0 else {
            let error = SystemError.last(path)
            unlink(name)
            throw error
        }
        syncDirectory(of: path)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError.last(path)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes the new name durable; not every file system can, and the file itself is whole either way.
    private static func syncDirectory(of path: String) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
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
        return Self.nanoseconds(now) - max(modified, changed) > 50_000_000
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
