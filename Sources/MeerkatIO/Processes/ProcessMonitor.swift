internal import CSupervisor
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reads what supervisors report and commands write, on one thread that exists while there is a supervisor.
final class ProcessMonitor: Sendable {
    static let shared = ProcessMonitor()

    private struct State {
        var arrivals: [SupervisionPipes] = []
        /// A pipe through which the thread is told of arrivals; nil while there is no thread.
        var wake: (reader: Int32, writer: Int32)?
    }

    private let state = Mutex(State())

    /// Serves the pipes from now on.
    ///
    /// - Throws: ``ProcessError`` when there are no descriptors or no thread for that.
    func add(_ pipes: SupervisionPipes) throws(ProcessError) {
        try state.withLock { (state) throws(ProcessError) in
            if let wake = state.wake {
                state.arrivals.append(pipes)
                var byte: UInt8 = 0
                // Blocks never: the thread takes all bytes at once.
                write(wake.writer, &byte, 1)
                return
            }
            guard let wake = Self.makePipe() else { throw .outOfDescriptors }
            do throws(SystemError) {
                // It waits for this lock first.
                try OSThread.start("processes") { [self] in run(wake.reader) }
            } catch {
                close(wake.reader)
                close(wake.writer)
                throw .outOfThreads
            }
            state.wake = wake
            state.arrivals.append(pipes)
        }
    }

    private static func makePipe() -> (reader: Int32, writer: Int32)? {
        var ends: (Int32, Int32) = (0, 0)
        let status = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) { supervisor_pipe($0) }
        }
        return status == 0 ? (ends.0, ends.1) : nil
    }

    private func run(_ wake: Int32) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        var members: [SupervisionPipes] = []
        while takeArrivals(&members) {
            wait(wake, members, buffer)
            for index in members.indices { members[index].serve(buffer) }
            members.removeAll { $0.isFinished }
        }
    }

    /// False when there is nothing more to do.
    private func takeArrivals(_ members: inout [SupervisionPipes]) -> Bool {
        state.withLock { state in
            members += state.arrivals
            state.arrivals = []
            guard members.isEmpty, let wake = state.wake else { return true }
            close(wake.reader)
            close(wake.writer)
            state.wake = nil
            return false
        }
    }

    private func wait(_ wake: Int32, _ members: [SupervisionPipes], _ buffer: UnsafeMutableRawBufferPointer) {
        var entries = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        var timeout: Int32 = -1
        for member in members {
            for descriptor in member.descriptors {
                entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
            if let left = member.millisecondsLeft { timeout = timeout < 0 ? left : min(timeout, left) }
        }
        poll(&entries, nfds_t(entries.count), timeout)
        if entries[0].revents != 0 { _ = read(wake, buffer.baseAddress, buffer.count) }
    }
}
