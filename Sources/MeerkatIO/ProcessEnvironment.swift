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

    /// Processors that the process may use.
    public static var processorCount: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Microseconds since 1970 of the system's clock.
    public static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
