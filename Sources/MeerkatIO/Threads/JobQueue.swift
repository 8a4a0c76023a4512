/// Decides which thread of a pool takes which job; the pool calls it while it holds its lock.
///
/// A thread that is being started or woken is on its way until it arrives. Each waiting job counts on a thread of its
/// own: one that is on its way to another job is not counted twice.
package struct JobQueue<Job> {
    /// What the pool does after a job was added.
    package enum Step: Sendable, Hashable {
        case wakeThread
        case startThread
        /// A thread is on its way already, or all threads are busy.
        case nothing
    }

    private let limit: Int
    /// Jobs are taken from `next` on.
    private var jobs: [Job] = []
    private var next = 0
    /// All threads, those on their way included.
    package private(set) var threads = 0
    private var starting = 0
    private var woken = 0
    /// Threads that sleep and are not reserved for a job.
    package private(set) var asleep = 0

    /// - Parameter limit: most threads.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Jobs that no thread has taken.
    package var waiting: Int { jobs.count - next }
    /// Threads that will look for a job without being asked again.
    package var onTheirWay: Int { starting + woken }

    package mutating func add(_ job: Job) -> Step {
        jobs.append(job)
        guard waiting > onTheirWay else { return .nothing }
        if asleep > 0 {
            asleep -= 1
            woken += 1
            return .wakeThread
        }
        guard threads < limit else { return .nothing }
        threads += 1
        starting += 1
        return .startThread
    }

    /// Reserves the first thread; false when there are threads.
    package mutating func addFirstThread() -> Bool {
        guard threads == 0 else { return false }
        threads += 1
        starting += 1
        return true
    }

    /// The system has refused the thread that was to be started: its job waits for another.
    package mutating func threadWasRefused() {
        starting -= 1
        threads -= 1
    }

    /// Called by a new thread, which takes a job next.
    package mutating func threadHasStarted() {
        starting -= 1
    }

    /// Called by a thread that can take a job; it sleeps when there is none.
    package mutating func take() -> Job? {
        guard next < jobs.count else {
            asleep += 1
            return nil
        }
        defer {
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: next <= 1024)
                next = 0
            }
        }
        return jobs[next]
    }

    /// Called by a sleeping thread; false when no thread was woken and it sleeps on.
    package mutating func wakeUp() -> Bool {
        guard woken > 0 else { return false }
        woken -= 1
        return true
    }
}
