internal import CSupervisor

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What the process was started with.
public enum ProcessEnvironment {
    public static var variables: [String: String] {
        var variables: [String: String] = [:]
        #if canImport(Darwin)
            guard var entry = environ else { return [:] }
        #else
            var entry = environ
        #endif
        while let text = entry.pointee {
            let line = String(cString: text)
            if let equals = line.firstIndex(of: "="), equals > line.startIndex {
                variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }

    /// Keeps other processes of this user from reading the memory, the environment and the descriptors of this one.
    ///
    /// Linux only. A process of the administrator can still read them. Core dumps are disabled from then on.
    public static func closeToOthers() {
        supervisor_hide_owner()
    }

    /// Overwrites the values of variables where the system shows them to other programs of this user.
    ///
    /// They read as before only from what was copied earlier. Call this before there are other threads.
    public static func conceal(_ isSecret: (String) -> Bool) {
        #if canImport(Darwin)
            guard var entry = environ else { return }
        #else
            var entry = environ
        #endif
        while let text = entry.pointee {
            let line = String(cString: text)
            if let equals = line.firstIndex(of: "="), isSecret(String(line[..<equals])) {
                let start = line.utf8.distance(from: line.startIndex, to: equals) + 1
                memset(text + start, 0, strlen(text) - start)
            }
            entry += 1
        }
    }

    /// Processors that the process may use.
    public static var processorCount: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Microseconds since 1970 of the system's clock.
    public static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
