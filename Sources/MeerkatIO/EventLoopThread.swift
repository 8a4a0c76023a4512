internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The thread of an event loop.
///
/// A `MultiThreadedEventLoopGroup` ends the process when the system refuses its thread or its descriptors; here both are
/// errors.
enum EventLoopThread {
    /// Starts an event loop, which ends with its `shutdownGracefully`.
    ///
    /// - Throws: ``SystemError`` when the system refuses a thread or descriptors.
    static func start() throws(SystemError) -> any EventLoop {
        let started = Condition<Result<any EventLoop, SystemError>?>(nil)
        try OSThread.start("http") {
            let settle = { @Sendable (result: Result<any EventLoop, SystemError>) in
                started.signal { value in
                    value = result
                    return true
                }
            }
            if let error = missingDescriptors() { return settle(.failure(error)) }
            MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { settle(.success($0)) }
        }
        return try started.wait { $0 }.get()
    }

    /// What an event loop opens, and some for whoever opens others at the same time.
    private static let descriptorCount = 8

    /// Nil when there are enough descriptors for an event loop.
    private static func missingDescriptors() -> SystemError? {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < descriptorCount {
            let descriptor = dup(Descriptors.standardError)
            // With a closed standard error there is room.
            if descriptor < 0, errno == EBADF { return nil }
            guard descriptor >= 0 else { return .last("cannot start connections") }
            opened.append(descriptor)
        }
        return nil
    }
}
