internal import CSupervisor

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// This program's ends of the pipes of one supervisor; used by the monitor's thread only.
struct SupervisionPipes: Sendable {
    /// How long output is read after the last process has gone, in nanoseconds: someone else may hold the pipe.
    private static let drain: UInt64 = 100_000_000

    let supervision: Supervision
    /// Closed ones are -1, which `poll` passes over.
    private var status: Int32
    private var output: Int32
    private var error: Int32
    /// When reading ends; nil while the supervisor lives.
    private var deadline: UInt64?

    init(supervision: Supervision, status: Int32, output: Int32, error: Int32) {
        self.supervision = supervision
        self.status = status
        self.output = output
        self.error = error
    }

    var descriptors: [Int32] { [status, output, error] }
    var isFinished: Bool { status < 0 && output < 0 && error < 0 }

    /// Until reading ends.
    var millisecondsLeft: Int32? {
        guard let deadline else { return nil }
        let now = TimerThread.uptime
        return deadline > now ? Int32(clamping: (deadline - now) / 1_000_000 + 1) : 0
    }

    /// Reads what is there.
    mutating func serve(_ buffer: UnsafeMutableRawBufferPointer) {
        Self.read(&output, .standardOutput, buffer, supervision)
        Self.read(&error, .standardError, buffer, supervision)
        readReports()
        if let deadline, TimerThread.uptime >= deadline {
            Self.end(&output)
            Self.end(&error)
        }
        if isFinished { supervision.finish() }
    }

    private static func read(
        _ descriptor: inout Int32, _ stream: SupervisedProcess.Stream, _ buffer: UnsafeMutableRawBufferPointer,
        _ supervision: Supervision
    ) {
        guard descriptor >= 0 else { return }
        let count = systemRead(descriptor, buffer)
        if count > 0 {
            supervision.output(stream, UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            end(&descriptor)
        }
    }

    private mutating func readReports() {
        guard status >= 0 else { return }
        var report = SupervisorReport()
        while true {
            switch supervisor_read(status, &report) {
            case 1: supervision.take(report)
            case 0:
                Self.end(&status)
                supervision.reap()
                deadline = TimerThread.uptime + Self.drain
                return
            default: return
            }
        }
    }

    /// Gives the supervisor up before its command was started.
    func abandon() {
        for descriptor in descriptors { close(descriptor) }
        supervision.reap()
    }

    private static func end(_ descriptor: inout Int32) {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private static func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
