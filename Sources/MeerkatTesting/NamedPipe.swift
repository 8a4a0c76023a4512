internal import MeerkatIO

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Waits until a named pipe has been opened for writing and all its writers are gone; returns what they wrote, in lines.
public func readToEnd(_ pipe: String) async -> String {
    await withCheckedContinuation { continuation in
        let read = { @Sendable in
            let descriptor = open(pipe, O_RDONLY | O_CLOEXEC)
            var text = ""
            var reader = LineReader(descriptor: descriptor, limit: 1 << 20)
            reader.forEach { line in
                if case .line(let bytes) = line { text += String(decoding: bytes, as: UTF8.self) + "\n" }
                return .proceed
            }
            close(descriptor)
            continuation.resume(returning: text)
        }
        do throws(SystemError) {
            try OSThread.start("test pipe", read)
        } catch {
            continuation.resume(returning: error.message)
        }
    }
}
