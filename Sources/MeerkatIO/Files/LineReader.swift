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

    /// Calls `handle` for each line until the end of the input; an unterminated last line counts.
    public mutating func forEach(_ handle: (Line) -> Void) {
        let chunkSize = 64 * 1024
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkSize, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = read(descriptor, chunk.baseAddress, chunkSize)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            take(UnsafeRawBufferPointer(rebasing: chunk[..<count]), handle)
        }
        if !buffer.isEmpty, !isSkipping { buffer.withUnsafeBytes { handle(.line($0)) } }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ handle: (Line) -> Void) {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            guard let feed = memchr(start, 0x0A, rest.count) else {
                keep(rest, handle)
                return
            }
            let length = start.distance(to: feed)
            end(UnsafeRawBufferPointer(rebasing: rest[..<length]), handle)
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        }
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer, _ handle: (Line) -> Void) {
        guard !isSkipping else { return }
        guard buffer.count + part.count <= limit else {
            isSkipping = true
            buffer = []
            handle(.tooLong)
            return
        }
        buffer.append(contentsOf: part)
    }

    private mutating func end(_ part: UnsafeRawBufferPointer, _ handle: (Line) -> Void) {
        if isSkipping {
            isSkipping = false
            return
        }
        guard buffer.count + part.count <= limit else {
            buffer = []
            handle(.tooLong)
            return
        }
        if buffer.isEmpty {
            handle(.line(part))
            return
        }
        buffer.append(contentsOf: part)
        buffer.withUnsafeBytes { handle(.line($0)) }
        buffer = []
    }
}
