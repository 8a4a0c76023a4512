#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The home directories that the system knows.
public enum UserHomes {
    /// Of the user that this process runs as.
    public static let own: String? = {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 16) { buffer in
            guard let start = buffer.baseAddress,
                getpwuid_r(geteuid(), &entry, start, buffer.count, &found) == 0, found != nil,
                let home = entry.pw_dir
            else { return nil }
            let path = String(cString: home)
            return path.hasPrefix("/") ? path : nil
        }
    }()

    /// Of the users in the local password database.
    public static let all: [String] = {
        guard let file = fopen("/etc/passwd", "re") else { return [] }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        var homes: Set<String> = []
        while getline(&line, &capacity, file) > 0, let line {
            let fields = String(cString: line).split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 5, fields[5].hasPrefix("/") { homes.insert(String(fields[5])) }
        }
        return homes.sorted()
    }()
}
