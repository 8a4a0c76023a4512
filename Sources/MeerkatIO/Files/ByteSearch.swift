#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension UnsafeRawBufferPointer {
    /// The first place of a byte from `start` on.
    package func position(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count, let base = baseAddress,
            let found = memchr(base + start, Int32(byte), count - start)
        else { return nil }
        return base.distance(to: UnsafeRawPointer(found))
    }

    /// The first place of a sequence of bytes from `start` on; an empty one is nowhere.
    package func position(of bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        guard let first = bytes.first, let base = baseAddress, let wanted = bytes.baseAddress else { return nil }
        var at = start
        while let candidate = position(of: first, from: at) {
            guard candidate + bytes.count <= count else { return nil }
            if memcmp(base + candidate, wanted, bytes.count) == 0 { return candidate }
            at = candidate + 1
        }
        return nil
    }
}
