#if canImport(Glibc)
    internal import CPlatform
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// File-system queries and directory creation.
public enum Directories {
    public static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    public static func fileExists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Whether there may be something: false only when it is certain that there is not.
    public static func mayExist(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    /// The path without symbolic links, or nil when there is nothing, or nothing that can be named in UTF-8.
    public static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }

    /// The home directory that the system has recorded for this user.
    public static var homeOfUser: String? {
        guard let entry = getpwuid(geteuid()), let home = entry.pointee.pw_dir else { return nil }
        return String(validatingCString: home).flatMap { $0.hasPrefix("/") && $0 != "/" ? $0 : nil }
    }

    /// An absolute path without symbolic links; nil when there is nothing or the way there, links included, leads through
    /// a path that is excluded.
    public static func resolved(_ path: String, unless isExcluded: (String) -> Bool) -> String? {
        guard path.hasPrefix("/") else { return nil }
        var pending: [String] = components(path).reversed()
        var current = ""
        var links = 0
        while let name = pending.popLast() {
            if name == "." { continue }
            if name == ".." {
                current = String(current[..<(current.lastIndex(of: "/") ?? current.startIndex)])
                continue
            }
            let next = "\(current)/\(name)"
            guard !isExcluded(next), let kind = identity(of: next)?.kind else { return nil }
            guard kind == S_IFLNK else {
                current = next
                continue
            }
            links += 1
            guard links <= 40, let target = target(of: next) else { return nil }
            if target.hasPrefix("/") { current = "" }
            pending += components(target).reversed()
        }
        return current.isEmpty ? "/" : current
    }

    private static func components(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }

    private static func target(of link: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink(link, start, Int(PATH_MAX))
            guard length > 0 else { return nil }
            start[length] = 0
            return String(cString: start)
        }
    }

    /// What tells a file or directory from others, also from one that takes its place.
    public struct Identity: Sendable, Hashable {
        let device: UInt64
        let inode: UInt64
        fileprivate let kind: mode_t

        public var isDirectory: Bool { kind == S_IFDIR }
        public var isFile: Bool { kind == S_IFREG }
    }

    /// Of what has this path itself, also when it is a link; nil when there is nothing.
    public static func identity(of path: String) -> Identity? {
        var info = stat()
        guard lstat(path, &info) == 0 else { return nil }
        return Identity(
            device: UInt64(truncatingIfNeeded: info.st_dev), inode: UInt64(truncatingIfNeeded: info.st_ino),
            kind: info.st_mode & S_IFMT)
    }

    /// The directory that holds what a path names, by the path alone; nil for the root.
    public static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), path != "/" else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Where the system wants temporary files.
    public static var temporary: String {
        guard let path = ProcessEnvironment.variables["TMPDIR"], path.hasPrefix("/") else { return "/tmp" }
        return path
    }

    /// Nil when the working directory is gone, or has a name that is not UTF-8.
    public static var current: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(validatingCString: path)
    }

    /// Creates a directory and the missing ones above it, for this user only.
    public static func create(_ path: String) throws(SystemError) {
        guard !isDirectory(path) else { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try create(String(path[..<slash]))
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError.last(path) }
    }

    /// Creates a directory that did not exist, for this user only; its path without links.
    public static func createNew(_ name: String, in parent: String) throws(SystemError) -> String {
        guard let parent = resolved(parent) else { throw SystemError.last(parent) }
        let path = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
        guard mkdir(path, 0o700) == 0 else { throw SystemError.last(path) }
        return path
    }

    /// Whether a path is a directory that only this user can enter and that was not changed for a minute.
    public static func isPrivateAndOld(_ path: String) -> Bool {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_mode & 0o077 == 0 else { return false }
        #if canImport(Darwin)
            let changed = info.st_mtimespec.tv_sec
        #else
            let changed = info.st_mtim.tv_sec
        #endif
        return info.st_uid == geteuid() && time(nil) - changed > 60
    }

    /// The names in a directory, in no order; none when it cannot be read.
    public static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Creates an empty file with mode 0600 when there is nothing under its name; an existing file is not opened.
    public static func createPrivateFile(_ path: String) throws(SystemError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw SystemError.last(path)
        }
        close(descriptor)
    }

    /// Creates a file that did not exist, without following a link, with the permissions that are usual.
    public static func createFile(_ path: String, _ text: String) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError.last(path) }
        defer { close(descriptor) }
        guard write(descriptor, text, text.utf8.count) == text.utf8.count else {
            let error = SystemError.last(path)
            unlink(path)
            throw error
        }
    }

    public static func removeFile(_ path: String) { unlink(path) }

    /// Whether what is in a directory can be looked up.
    public static func canSearch(_ path: String) -> Bool { access(path, X_OK) == 0 }

    /// Removes a directory of this user that holds nothing but files; what cannot be removed stays, and so does all when
    /// the directory is a link.
    public static func removeFlat(_ path: String) {
        guard FileOwnership.problem(of: path, .directory) == nil else { return }
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Whether a directory stands on a file system of another machine, where locks are not reliable.
    public static func isOnNetwork(_ path: String) -> Bool {
        #if os(Linux)
            var info = statfs()
            guard statfs(path, &info) == 0 else { return false }
            // NFS, SMB, SMB2, CIFS, AFS, Ceph, 9P
            let kinds: Set<Int> = [
                0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x5346_414F, 0x00C3_6400, 0x0102_1997,
            ]
            return kinds.contains(Int(info.f_type))
        #else
            var info = statfs()
            guard statfs(path, &info) == 0 else { return false }
            return info.f_flags & UInt32(MNT_LOCAL) == 0
        #endif
    }
}
