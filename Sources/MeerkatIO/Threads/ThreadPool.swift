/// Runs Swift tasks on a few threads that sleep while there is nothing to run.
///
/// Swift's own threads come from libdispatch, which on Linux wakes up once a second to look after its workers; these do
/// not. A thread is started when work arrives and all others are busy, up to the number of processors.
public final class ThreadPool: TaskExecutor {
    private struct State {
        /// A queue: jobs are taken from `next` on.
        var jobs: [UnownedJob] = []
        var next = 0
        var threads = 0
        var idle = 0

        mutating func pop() -> UnownedJob? {
            guard next < jobs.count else { return nil }
            defer {
                next += 1
                if next == jobs.count {
                    jobs.removeAll(keepingCapacity: next <= 1024)
                    next = 0
                }
            }
            return jobs[next]
        }
    }

    private let limit: Int
    private let state = Condition(State())

    /// - Parameter limit: most threads.
    public init(limit: Int) {
        self.limit = limit
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        var mustStart = false
        state.signalOne { state in
            state.jobs.append(job)
            if state.idle > 0 { return true }
            mustStart = state.threads < limit
            if mustStart { state.threads += 1 }
            return false
        }
        if mustStart { OSThread.start("tasks") { [self] in run() } }
    }

    private func run() {
        while true {
            let job: UnownedJob = state.withLock { $0.pop() } ?? wait()
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    private func wait() -> UnownedJob {
        state.withLock { $0.idle += 1 }
        return state.wait { state in
            guard let job = state.pop() else { return nil }
            state.idle -= 1
            return job
        }
    }
}
