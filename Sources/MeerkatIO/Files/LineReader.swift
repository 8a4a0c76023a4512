#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reads lines from a descriptor, blocking the calling thread.
public struct LineReader: ~Copyable {
    /// What was found.
    public enum Line {
        /// A line without its line feed; the bytes are valid during the call only.
        case line(UnsafeRawBufferPointer)
        /// A line longer than the limit; it was skipped.
        case tooLong
    }

    private let descriptor: Int32
    private let limit: Int
    private var buffer: [UInt8] = []
    private var isSkipping = false

    /// - Parameters:
    ///   - descriptor: read until its end, not closed.
    ///   - limit: longest line, in bytes.
    public init(descriptor: Int32, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Whether reading continues after a line.
    public enum Step: Sendable, Hashable {
        case proceed, stop
    }

    /// Calls `handle` for each line until it says to stop or the input ends; an unterminated last line counts.
    public mutating func forEach(_ handle: (Line) -> Step) {
        let chunkSize = 64 * 1024
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkSize, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = read(descriptor, chunk.baseAddress, chunkSize)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                Descriptors.waitForInput(descriptor)
                continue
            }
            guard count > 0 else { break }
            guard take(UnsafeRawBufferPointer(rebasing: chunk[..<count]), handle) == .proceed else { return }
        }
        if !buffer.isEmpty, !isSkipping { _ = buffer.withUnsafeBytes { handle(.line($0)) } }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ handle: (Line) -> Step) -> Step {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            guard let feed = memchr(start, 0x0A, rest.count) else {
                return keep(rest, handle)
            }
            let length = start.distance(to: feed)
            let step = end(UnsafeRawBufferPointer(rebasing: rest[..<length]), handle)
            guard step == .proceed else { return .stop }
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        }
        return .proceed
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer, _ handle: (Line) -> Step) -> Step {
        guard !isSkipping else { return .proceed }
        guard buffer.count + part.count <= limit else {
            isSkipping = true
            buffer = []
            return handle(.tooLong)
        }
        buffer.append(contentsOf: part)
        return .proceed
    }

    private mutating func end(_ part: UnsafeRawBufferPointer, _ handle: (Line) -> Step) -> Step {
        if isSkipping {
            isSkipping = false
            return .proceed
        }
        guard buffer.count + part.count <= limit else {
            buffer = []
            return handle(.tooLong)
        }
        if buffer.isEmpty { return handle(.line(part)) }
        buffer.append(contentsOf: part)
        defer { buffer = [] }
        return buffer.withUnsafeBytes { handle(.line($0)) }
    }
}
