public import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// Keeps the tasks of a project in a file that several processes may use, or in memory.
///
/// A change reads the file, changes the list and replaces the file, all under a lock on a file beside it, so that no
/// process loses what another one wrote. A file that cannot be understood is never written over.
public final class TaskStore: Sendable {
    /// The list as it was read last.
    private struct Snapshot {
        var list: TaskList
        /// Nil when the file might have changed since without a trace.
        var stamp: FileStamp?
    }

    private static let sizeLimit = 256 << 20
    /// Longest wait for other processes, in nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    private let path: String?
    private let clock: any RuntimeClock
    private let ids: any IDGenerator
    private let snapshot = Mutex<Snapshot?>(nil)

    /// - Parameters:
    ///   - path: the file, which is created by the first task; nil keeps the tasks in memory.
    ///   - clock: tells the times that tasks carry, and measures the wait for other processes.
    ///   - ids: names tasks and the project.
    public init(path: String?, clock: any RuntimeClock, ids: any IDGenerator = RandomIDGenerator()) {
        self.path = path
        self.clock = clock
        self.ids = ids
    }

    /// The tasks that are not completed, as lines of JSON in storage order; nil when there are none.
    public func openTasks() async -> String? {
        // Whoever asks has no use for the reason; the tools tell it.
        guard let tasks = try? await read().tasks.filter(\.isOpen), !tasks.isEmpty else { return nil }
        return tasks.map { String(decoding: $0.jsonBytes, as: UTF8.self) }.joined(separator: "\n")
    }

    /// The list as it is now.
    func read() async throws(ToolError) -> TaskList {
        guard let path else { return memory() }
        return try await Blocking.runTool { () throws(ToolError) in try current(path) }
    }

    /// Changes the list; nothing is changed when `change` throws.
    func change<T: Sendable>(
        _ change: @Sendable (inout TaskList, _ now: String) throws(ToolError) -> T
    ) async throws(ToolError) -> T {
        let now = clock.now.text
        guard let path else {
            return try snapshot.withLock { (snapshot) throws(ToolError) in
                var list = snapshot?.list ?? empty()
                let result = try change(&list, now)
                list.revision += 1
                snapshot = Snapshot(list: list)
                return result
            }
        }
        let lock = try await lock(beside: path)
        defer { lock.release() }
        return try await Blocking.runTool { () throws(ToolError) in
            var list = try current(path)
            let result = try change(&list, now)
            list.revision += 1
            try write(list, to: path)
            return result
        }
    }

    /// An id for a new task.
    func newID() -> String { ids.uniqueID(at: clock.now).description }

    private func empty() -> TaskList { TaskList(projectID: newID(), createdAt: clock.now.text) }

    private func memory() -> TaskList { snapshot.withLock { $0?.list } ?? empty() }

    // MARK: The file

    private func current(_ path: String) throws(ToolError) -> TaskList {
        let stamp = FileStamp(of: path)
        if let stamp, let known = snapshot.withLock({ $0?.stamp == stamp ? $0?.list : nil }) { return known }
        let isSettled = stamp?.isSettled ?? false
        if let why = FileOwnership.problem(of: path, .file) {
            throw .accessDenied("the tasks are not used: \(path): \(why)")
        }
        let bytes: [UInt8]?
        do throws(SystemError) {
            bytes = try AtomicFile.contents(of: path, limit: Self.sizeLimit)
        } catch {
            throw .executionFailed("the tasks cannot be read: \(error.message)")
        }
        guard let bytes else { return empty() }
        let list: TaskList
        do throws(JSONError) {
            list = try TaskList(json: bytes)
        } catch {
            throw .executionFailed("the tasks cannot be read, and the file is left as it is: \(path): \(error)")
        }
        snapshot.withLock { $0 = Snapshot(list: list, stamp: isSettled ? stamp : nil) }
        return list
    }

    private func write(_ list: TaskList, to path: String) throws(ToolError) {
        var text = PrettyJSON.text(list.jsonBytes)
        text.append(UInt8(ascii: "\n"))
        do throws(SystemError) {
            try AtomicFile.replace(path, with: text)
        } catch {
            throw .executionFailed("the tasks cannot be written: \(error.message)")
        }
    }

    /// Waits without a thread while another process or session has the lock.
    private func lock(beside path: String) async throws(ToolError) -> FileLock {
        let start = clock.uptime
        var delay = 1
        do throws(SystemError) {
            if let slash = path.lastIndex(of: "/") { try Directories.create(String(path[..<slash])) }
        } catch {
            throw .executionFailed("the tasks cannot be written: \(error.message)")
        }
        while true {
            do throws(SystemError) {
                return try FileLock(creating: path + ".lock")
            } catch {
                guard error.isLocked else { throw .executionFailed("the tasks cannot be locked: \(error.message)") }
                guard clock.uptime.subtractingClamped(start) < Self.patience else {
                    throw .executionFailed("another process has been using \(path) for 10 s")
                }
            }
            do throws(CancellationError) {
                try await clock.sleep(for: .milliseconds(delay + Int.random(in: 0...delay)))
            } catch {
                throw .interrupted("the wait for the task file was interrupted")
            }
            delay = min(delay * 2, 32)
        }
    }
}
