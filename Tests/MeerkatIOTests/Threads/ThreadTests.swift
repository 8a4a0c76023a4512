import MeerkatIO
import Synchronization
import Testing

@Suite struct Threads {
    @Test func aPoolRunsEveryTaskOnItsOwnThreads() async {
        let pool = ThreadPool(limit: 2)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...1000 {
                group.addTask(executorPreference: pool) {
                    await Task.yield()
                    return number
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 500_500)
    }

    @Test func aWorkerHandlesWhatWaitsInOrder() {
        let seen = Mutex<[Int]>([])
        let worker = BatchWorker<Int>("test") { items in seen.withLock { $0 += items } }
        for number in 0..<10_000 { worker.submit(number) }
        worker.close()
        #expect(seen.withLock { $0 } == Array(0..<10_000))
        #expect(!worker.submit(1))
    }

    @Test func timersGoOffInOrderAndCancelledOnesNever() async {
        let timers = TimerThread()
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { done in
            _ = timers.schedule(after: 20_000_000) {
                seen.withLock { $0.append(3) }
                done.resume()
            }
            let cancelled = timers.schedule(after: 5_000_000) { seen.withLock { $0.append(2) } }
            _ = timers.schedule(after: 1_000_000) { seen.withLock { $0.append(1) } }
            timers.cancel(cancelled)
        }
        #expect(seen.withLock { $0 } == [1, 3])
    }
}
