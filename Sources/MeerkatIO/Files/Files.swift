#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reading whole files.
public enum Files {
    /// The first `limit` bytes of a regular file; nil when it cannot be read.
    public static func read(_ path: String, limit: Int) -> [UInt8]? {
        do throws(SystemError) { try GuardedFiles.check(path) } catch { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        // Who asks has no use for the reason.
        return try? OpenFile(descriptor: descriptor, path: path).readPrefix(limit: limit)
    }
}
