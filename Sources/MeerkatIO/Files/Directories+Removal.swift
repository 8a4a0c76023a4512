#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Directories {
    /// Removes a directory with all that is in it, without following links; what cannot be removed stays.
    ///
    /// Names may be any bytes, and paths of any length. Nobody else may change it meanwhile.
    public static func removeTree(_ path: String) {
        guard let identity = identity(of: path) else { return }
        guard identity.isDirectory else {
            unlink(path)
            return
        }
        guard let root = Level(opening: path, in: AT_FDCWD) else { return }
        var levels = [root]
        while var level = levels.popLast() {
            if let name = level.directories.popLast() {
                let inner = Level(opening: name, in: level.descriptor)
                // Only the innermost directory is open, however deep it is.
                if inner != nil { level.close() }
                levels.append(level)
                if let inner { levels.append(inner) }
                continue
            }
            guard var parent = levels.popLast() else {
                level.close()
                break
            }
            guard parent.reopen(from: level) else { return }
            unlinkat(parent.descriptor, level.name, AT_REMOVEDIR)
            levels.append(parent)
        }
        rmdir(path)
    }

    /// A directory that is being removed.
    private struct Level {
        let name: [CChar]
        /// The names of those in it that are left.
        var directories: [[CChar]] = []
        private(set) var descriptor: Int32
        private let device: dev_t
        private let inode: ino_t

        init?(opening path: String, in parent: Int32) {
            self.init(opening: Array(path.utf8CString), in: parent)
        }

        /// Removes all but directories.
        init?(opening name: [CChar], in parent: Int32) {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            var descriptor = openat(parent, name, flags)
            if descriptor < 0, errno == EACCES {
                // A program may have made it unreadable. It is a directory, as it was looked at before.
                fchmodat(parent, name, 0o700, 0)
                descriptor = openat(parent, name, flags)
            }
            var info = stat()
            guard descriptor >= 0, fstat(descriptor, &info) == 0 else {
                if descriptor >= 0 { Self.close(descriptor) }
                return nil
            }
            (self.name, self.descriptor, device, inode) = (name, descriptor, info.st_dev, info.st_ino)
            fchmod(descriptor, 0o700)
            for name in Self.names(in: descriptor) {
                guard fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
                if info.st_mode & S_IFMT == S_IFDIR {
                    if unlinkat(descriptor, name, AT_REMOVEDIR) != 0 { directories.append(name) }
                } else {
                    unlinkat(descriptor, name, 0)
                }
            }
        }

        /// Goes back to this directory from one in it, which is closed; false when it is not there any more.
        mutating func reopen(from inner: Level) -> Bool {
            descriptor = openat(inner.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            inner.close()
            var info = stat()
            guard descriptor >= 0, fstat(descriptor, &info) == 0 else { return false }
            guard info.st_dev == device, info.st_ino == inode else {
                close()
                return false
            }
            return true
        }

        func close() { Self.close(descriptor) }

        private static func close(_ descriptor: Int32) {
            #if canImport(Glibc)
                _ = Glibc.close(descriptor)
            #elseif canImport(Musl)
                _ = Musl.close(descriptor)
            #else
                _ = Darwin.close(descriptor)
            #endif
        }

        /// With a zero at the end of each.
        private static func names(in descriptor: Int32) -> [[CChar]] {
            let copy = dup(descriptor)
            guard copy >= 0 else { return [] }
            guard let directory = fdopendir(copy) else {
                close(copy)
                return []
            }
            defer { closedir(directory) }
            var names: [[CChar]] = []
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { Array($0, count: strlen($0) + 1) }
                }
                if name != [46, 0], name != [46, 46, 0] { names.append(name) }
            }
            return names
        }
    }
}

extension [CChar] {
    fileprivate init(_ text: UnsafePointer<CChar>, count: Int) {
        self.init(UnsafeBufferPointer(start: text, count: count))
    }
}
