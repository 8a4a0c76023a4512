internal import Synchronization

/// Runs Swift tasks on a few threads that sleep while there is nothing to run.
///
/// Swift's own threads come from libdispatch, which on Linux wakes up once a second to look after its workers; these do
/// not. A thread is started when work arrives and all others are busy, up to a limit; when the system refuses it, the work
/// waits for the others.
public final class ThreadPool: TaskExecutor {
    private let state: Condition<JobQueue<UnownedJob>>
    /// Held while the first thread is started, so that who comes second knows whether there is one.
    private let startingFirst = Mutex(())

    /// - Parameter limit: most threads.
    public init(limit: Int) {
        state = Condition(JobQueue(limit: limit))
    }

    /// Starts the first thread if there is none; the pool keeps at least one from then on.
    ///
    /// - Throws: ``SystemError`` when the system refuses the thread; the next call tries again.
    public func start() throws(SystemError) {
        try startingFirst.withLock { (_) throws(SystemError) in
            if state.withLock({ $0.addFirstThread() }) { try startThread() }
        }
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
        // The job waits for a thread that is there, or for the next attempt.
        if step == .startThread { try? startThread() }
    }

    /// Starts a thread that is counted already.
    private func startThread() throws(SystemError) {
        do throws(SystemError) {
            try OSThread.start("tasks") { [self] in run() }
        } catch {
            state.withLock { $0.threadWasRefused() }
            throw error
        }
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
