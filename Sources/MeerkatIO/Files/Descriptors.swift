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

    /// Writes a text for people if that does not block; else it is dropped.
    public static func writeIfReady(_ text: String, to descriptor: Int32) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard systemPoll(&poll, 0) == 1, poll.revents & Int16(POLLOUT) != 0 else { return }
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
