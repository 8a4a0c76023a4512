/// Runs Swift tasks on a few threads that sleep while there is nothing to run.
///
/// Swift's own threads come from libdispatch, which on Linux wakes up once a second to look after its workers; these do
/// not. A thread is started when work arrives and all others are busy, up to the number of processors.
public final class ThreadPool: TaskExecutor {
    private let state: Condition<JobQueue<UnownedJob>>

    /// - Parameter limit: most threads.
    public init(limit: Int) {
        state = Condition(JobQueue(limit: limit))
    }

    /// Threads that wait for a job.
    package var sleepingThreads: Int { state.withLock { $0.asleep } }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        var step = JobQueue<UnownedJob>.Step.nothing
        state.signalOne { state in
            step = state.add(job)
            return step == .wakeThread
        }
        if step == .startThread { OSThread.start("tasks") { [self] in run() } }
    }

    private func run() {
        state.withLock { $0.threadHasStarted() }
        while true {
            let job = state.withLock { $0.take() } ?? nextJobAfterSleep()
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    private func nextJobAfterSleep() -> UnownedJob {
        // A thread that finds its job taken by a busy one sleeps again.
        state.wait { state in state.wakeUp() ? state.take() : nil }
    }
}
