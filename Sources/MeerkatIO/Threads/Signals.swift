#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Signals that ask the process to end.
public enum Signals {
    /// Lets `handle` end the process when SIGTERM, SIGINT or SIGHUP comes, on a thread that waits for nothing else; a broken
    /// pipe and a file that reaches its size limit become ordinary errors of the write.
    ///
    /// To be called before other threads are started: they inherit that these signals are blocked.
    ///
    /// - Throws: ``SystemError`` when the system refuses the thread.
    public static func onTermination(_ handle: @escaping @Sendable () -> Void) throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        // A program that was started to outlive its terminal ignores it.
        let hangUp = unsafeBitCast(signal(SIGHUP, SIG_DFL), to: Int.self)
        if hangUp == unsafeBitCast(SIG_IGN, to: Int.self) {
            signal(SIGHUP, SIG_IGN)
        } else {
            sigaddset(&signals, SIGHUP)
        }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let awaited = signals
        try OSThread.start("signals") {
            var signals = awaited
            var number: Int32 = 0
            while sigwait(&signals, &number) != 0 {}
            handle()
        }
    }

    /// Ends the process at once, without running anything that was registered for its end.
    public static func exitNow(_ status: Int32) -> Never {
        _exit(status)
    }
}
