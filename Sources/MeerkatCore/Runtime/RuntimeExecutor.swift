internal import Synchronization

/// Where the runtime's tasks run: on Swift's own threads unless a program chooses others at its start.
public enum RuntimeExecutor {
    private static let chosen = Mutex<(any TaskExecutor)?>(nil)

    /// Lets all tasks that the runtime starts from now on run on `executor`.
    public static func use(_ executor: any TaskExecutor) {
        chosen.withLock { $0 = executor }
    }

    /// The preference for a new task.
    package static var preferred: (any TaskExecutor)? { chosen.withLock { $0 } }
}
