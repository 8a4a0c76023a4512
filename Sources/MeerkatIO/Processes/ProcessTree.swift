#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Ends processes from outside, for when their supervisor was kept from it.
enum ProcessTree {
    /// Sends SIGKILL to every descendant of a process and then to itself, on a thread of its own if there can be one.
    static func kill(_ root: Int32) {
        OSThread.startOrRun("kill-tree") {
            endDescendants(of: root)
            systemKill(root)
        }
    }

    /// Sends SIGKILL to every descendant of a process, on a thread of its own if there can be one.
    static func killDescendants(of root: Int32) {
        OSThread.startOrRun("kill-tree") { endDescendants(of: root) }
    }

    private static func endDescendants(of root: Int32) {
        // Again, because some may start others meanwhile; the root cannot, or it would do this itself.
        for _ in 0..<100 {
            let left = descendants(of: root)
            if left.isEmpty { break }
            for pid in left { systemKill(pid) }
            usleep(5000)
        }
    }

    private static func systemKill(_ pid: Int32) {
        #if canImport(Glibc)
            _ = Glibc.kill(pid, SIGKILL)
        #elseif canImport(Musl)
            _ = Musl.kill(pid, SIGKILL)
        #else
            _ = Darwin.kill(pid, SIGKILL)
        #endif
    }

    /// Those that have not ended; none where the system does not tell.
    private static func descendants(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for name in Directories.names(in: "/proc") {
            guard let pid = Int32(name), let bytes = Files.read("/proc/\(name)/stat", limit: 4096) else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.lastIndex(of: ")") else { continue }
            let fields = text[text.index(after: end)...].split(separator: " ", maxSplits: 2)
            guard fields.count > 1, fields[0] != "Z", fields[0] != "X", let parent = Int32(fields[1]) else { continue }
            children[parent, default: []].append(pid)
        }
        var found: [Int32] = []
        var open = [root]
        while let next = open.popLast() {
            let below = children[next] ?? []
            found += below
            open += below
        }
        return found
    }
}
