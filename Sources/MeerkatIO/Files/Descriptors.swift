#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writing to descriptors that others have opened.
public enum Descriptors {
    public static let standardInput: Int32 = 0
    public static let standardOutput: Int32 = 1
    public static let standardError: Int32 = 2

    /// Opens `/dev/null` for each standard descriptor that is closed.
    ///
    /// To be called before any file is opened: a file that got one of these numbers would be read as input, or written
    /// as output.
    public static func openMissingStandard() {
        for descriptor in [standardInput, standardOutput, standardError] where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Whether a person may be at the other end.
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Waits until a descriptor that does not block can be read.
    static func waitForInput(_ descriptor: Int32) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        systemPoll(&poll, -1)
    }

    /// Writes everything, blocking the calling thread; false when the other end is gone.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let count = systemWrite(descriptor, raw.baseAddress.map { $0 + done }, raw.count - done)
                if count > 0 {
                    done += count
                } else if errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    systemPoll(&poll, -1)
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
    }

    /// Whether a descriptor is a pipe, whose readiness tells that some bytes can be written at once.
    public static func isPipe(_ descriptor: Int32) -> Bool {
        var info = stat()
        return fstat(descriptor, &info) == 0 && info.st_mode & S_IFMT == S_IFIFO
    }

    /// Whether something can be written without blocking.
    public static func isReady(_ descriptor: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return systemPoll(&poll, 0) == 1 && poll.revents & Int16(POLLOUT) != 0
    }

    /// Whether the other end of a pipe or socket that is read from has been closed, whatever is left to read.
    public static func isHungUp(_ descriptor: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: 0, revents: 0)
        return systemPoll(&poll, 0) == 1 && poll.revents & Int16(POLLHUP) != 0
    }

    /// Writes a few bytes to a pipe if that does not block; false when they were not written.
    public static func writeToPipeIfReady(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        // A pipe that is ready takes this many bytes at once and whole.
        guard bytes.count <= 4096 else { return false }
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard systemPoll(&poll, 0) == 1, poll.revents == Int16(POLLOUT) else { return false }
        return bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) } == bytes.count
    }

    /// Writes a text for people if that does not block; else it is dropped.
    public static func writeIfReady(_ text: String, to descriptor: Int32) {
        guard isReady(descriptor) else { return }
        // A pipe that is ready takes this many bytes at once.
        let bytes = Array(text.utf8.prefix(4096))
        _ = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes, count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes, count)
        #else
            Darwin.write(descriptor, bytes, count)
        #endif
    }

    @discardableResult
    private static func systemPoll(_ entry: inout pollfd, _ timeout: Int32) -> Int32 {
        poll(&entry, 1, timeout)
    }
}
