#if canImport(Glibc)
    internal import CPlatform
    internal import Glibc
#elseif canImport(Musl)
    internal import CPlatform
    internal import Musl
#else
    internal import Darwin
#endif

/// A directory that stays the same one whatever happens to the names that led to it.
///
/// Names are single components, and no call follows a symbolic link. What is hidden from a directory can neither be
/// opened nor replaced by it, nor by a directory that was opened from it, under whatever name it is found.
public final class OpenDirectory: Sendable {
    /// What a name stands for.
    public enum Kind: Sendable, Hashable {
        case directory
        case file
        case link
        /// A named pipe, a socket or a device.
        case special
    }

    /// A name and what was known of it when it was asked for.
    public struct Status: Sendable, Hashable {
        public var kind: Kind
        /// In bytes.
        public var size: Int64
    }

    #if os(Linux)
        /// Allows to look names up in directories that may not be listed.
        private static let lookUp = platform_open_path
    #else
        private static let lookUp = O_SEARCH
    #endif

    let descriptor: Int32
    /// For messages.
    let path: String
    private let hidden: ConcealedFiles
    /// Nil when nothing is hidden.
    private let identity: FileIdentity?

    /// Opens a directory by a path, whose links are followed.
    public convenience init(_ path: String) throws(SystemError) {
        try self.init(path, hiding: ConcealedFiles())
    }

    convenience init(_ path: String, hiding hidden: ConcealedFiles) throws(SystemError) {
        let descriptor = open(path, Self.lookUp | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.last(path) }
        try self.init(descriptor: descriptor, path: path, hiding: hidden)
    }

    /// Takes the descriptor over.
    private init(descriptor: Int32, path: String, hiding hidden: ConcealedFiles) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        self.hidden = hidden
        identity = hidden.isEmpty ? nil : FileIdentity(of: descriptor)
        guard !hidden.isEmpty else { return }
        guard let identity, !hidden.contains(identity) else { throw SystemError(code: EACCES, path: path) }
    }

    /// Refuses a name that is hidden before there is anything under it.
    private func checkName(_ name: String) throws(SystemError) {
        if hidden.contains(name, in: identity) { throw SystemError(code: EACCES, path: path(of: name)) }
    }

    deinit { close(descriptor) }

    private func path(of name: String) -> String { path == "/" ? "/" + name : path + "/" + name }

    /// Opens a directory in this one.
    ///
    /// - Throws: ``SystemError``; `ENOTDIR` or `ELOOP` for anything else.
    public func directory(_ name: String) throws(SystemError) -> OpenDirectory {
        let opened = openat(descriptor, name, Self.lookUp | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw SystemError.last(path(of: name)) }
        return try OpenDirectory(descriptor: opened, path: path(of: name), hiding: hidden)
    }

    /// Creates a directory in this one unless it is there, and opens it.
    public func creatingDirectory(_ name: String) throws(SystemError) -> OpenDirectory {
        try checkName(name)
        guard mkdirat(descriptor, name, 0o777) == 0 || errno == EEXIST else { throw SystemError.last(path(of: name)) }
        return try directory(name)
    }

    /// Opens a regular file for reading.
    ///
    /// - Throws: ``SystemError``; `EINVAL` for anything else, which is neither waited for nor read, and `EACCES` for one
    ///   that is hidden or one of ``GuardedFiles``.
    public func file(_ name: String) throws(SystemError) -> OpenFile {
        try GuardedFiles.check(name, in: descriptor)
        // Not blocking, or opening a named pipe would wait for its other end.
        let opened = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard opened >= 0 else { throw SystemError.last(path(of: name)) }
        let file = try OpenFile(descriptor: opened, path: path(of: name))
        guard !hidden.contains(file.identity) else { throw SystemError(code: EACCES, path: path(of: name)) }
        return file
    }

    /// What a name stands for, or nil when there is nothing.
    public func status(_ name: String) throws(SystemError) -> Status? {
        var info = stat()
        guard fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return nil }
            throw SystemError.last(path(of: name))
        }
        return Status(info)
    }

    /// The state of a file, or nil when there is nothing.
    public func stamp(_ name: String) -> FileStamp? {
        var info = stat()
        return fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? FileStamp(info) : nil
    }

    /// Where a symbolic link leads, as it was written.
    public func linkTarget(_ name: String) throws(SystemError) -> String {
        let capacity = Int(PATH_MAX)
        var buffer = [CChar](repeating: 0, count: capacity)
        let count = readlinkat(descriptor, name, &buffer, capacity)
        guard count >= 0 else { throw SystemError.last(path(of: name)) }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Whether this process may write to a file.
    public func isWritable(_ name: String) -> Bool {
        faccessat(descriptor, name, W_OK, AT_EACCESS) == 0
    }

    /// Up to `limit` names in the directory, in no order, without `.` and `..`.
    public func names(limit: Int = .max) throws(SystemError) -> [String] {
        let listed = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listed >= 0 else { throw SystemError.last(path) }
        guard let stream = fdopendir(listed) else {
            let error = SystemError.last(path)
            close(listed)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Replaces a file as ``AtomicFile/replace(_:with:mode:keepsMode:)`` does.
    public func replace(
        _ name: String, with bytes: [UInt8], mode: UInt32 = 0o600, keepsMode: Bool = true
    ) throws(SystemError) {
        let target = path(of: name)
        try checkName(name)
        let temporary = "\(name.prefix(100)).\(UInt32.random(in: 0...UInt32.max)).tmp"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let opened = openat(descriptor, temporary, flags, mode_t(mode))
        guard opened >= 0 else { throw SystemError.last(target) }
        do throws(SystemError) {
            defer { close(opened) }
            var info = stat()
            if fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0, info.st_mode & S_IFMT == S_IFREG {
                guard !hidden.contains(FileIdentity(info)) else { throw SystemError(code: EACCES, path: target) }
                guard !keepsMode || fchmod(opened, info.st_mode & 0o777) == 0 else { throw SystemError.last(target) }
            }
            try Self.writeAll(bytes, to: opened, target)
            guard fsync(opened) == 0 else { throw SystemError.last(target) }
        } catch {
            unlinkat(descriptor, temporary, 0)
            throw error
        }
        guard renameat(descriptor, temporary, descriptor, name) == 0 else {
            let error = SystemError.last(target)
            unlinkat(descriptor, temporary, 0)
            throw error
        }
        sync()
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

    /// Makes a new name durable; not every file system can, and the file itself is whole either way.
    private func sync() {
        let synced = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard synced >= 0 else { return }
        fsync(synced)
        close(synced)
    }
}

extension OpenDirectory.Status {
    fileprivate init(_ info: stat) {
        kind =
            switch info.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFREG: .file
            case S_IFLNK: .link
            default: .special
            }
        size = Int64(info.st_size)
    }
}

/// A regular file that was opened for reading.
public final class OpenFile: Sendable {
    private let descriptor: Int32
    private let path: String
    /// Of the file when it was opened.
    public let stamp: FileStamp
    let identity: FileIdentity

    /// Takes the descriptor over.
    init(descriptor: Int32, path: String) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        var info = stat()
        let isKnown = fstat(descriptor, &info) == 0
        stamp = FileStamp(info)
        identity = FileIdentity(info)
        guard isKnown else { throw SystemError.last(path) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw SystemError(code: EINVAL, path: path) }
    }

    deinit { close(descriptor) }

    /// Reads on into `buffer`; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        while true {
            let count = systemRead(buffer)
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemError.last(path) }
        }
    }

    /// Everything from here to the end.
    ///
    /// - Throws: ``SystemError``; `EFBIG` when that is more than `limit` bytes.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        let bytes = try readPrefix(limit: limit == .max ? limit : limit + 1)
        guard bytes.count <= limit else { throw SystemError(code: EFBIG, path: path) }
        return bytes
    }

    /// Up to `limit` bytes from here.
    public func readPrefix(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(Int(clamping: stamp.size), limit) + 1)
        let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { part.deallocate() }
        while bytes.count < limit {
            let count = try read(into: part)
            if count == 0 { break }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: part[..<min(count, limit - bytes.count)]))
        }
        return bytes
    }

    private func systemRead(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
