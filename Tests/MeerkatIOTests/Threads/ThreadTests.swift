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

    @Test func aWorkerThatHangsIsWaitedForOnlySoLong() {
        let gate = Gate()
        gate.close()
        let worker = BatchWorker<Int>("test") { _ in gate.pass() }
        worker.submit(1)
        #expect(!worker.close(within: .milliseconds(1)))
        gate.open()
        #expect(worker.close(within: .seconds(60)))
    }

    @Test func aTaskThatHangsIsWaitedForOnlySoLong() {
        let latch = Gate()
        latch.close()
        #expect(Blocking.wait(on: ThreadPool(limit: 1), atMost: .milliseconds(1)) { latch.pass() } == nil)
        latch.open()
        #expect(Blocking.wait(on: ThreadPool(limit: 1), atMost: .seconds(60)) { 1 } == 1)
    }

    @Test func timersGoOffInOrderAndCancelledOnesNever() async {
        let timers = TimerThread()
        let seen = Mutex<[Int]>([])
        // Holds the thread up until everything is in place.
        let gate = Gate()
        gate.close()
        _ = timers.schedule(after: 0) { gate.pass() }
        await withCheckedContinuation { done in
            _ = timers.schedule(after: 20_000_000) {
                seen.withLock { $0.append(3) }
                done.resume()
            }
            let cancelled = timers.schedule(after: 5_000_000) { seen.withLock { $0.append(2) } }
            _ = timers.schedule(after: 1_000_000) { seen.withLock { $0.append(1) } }
            timers.cancel(cancelled)
            gate.open()
        }
        #expect(seen.withLock { $0 } == [1, 3])
    }
}

@Suite struct RefusedThreads {
    @Test func aThreadThatTheSystemRefusesIsAnError() {
        #expect(throws: SystemError.self) {
            try OSThread.start("test", stackSize: 1 << 60) { Issue.record("this thread cannot exist") }
        }
    }

    @Test func aJobWhoseThreadIsRefusedWaitsForAnother() {
        var queue = JobQueue<Int>(limit: 2)
        #expect(queue.add(1) == .startThread)
        queue.threadHasStarted()
        #expect(queue.take() == 1)
        #expect(queue.add(2) == .startThread)
        queue.threadWasRefused()
        #expect(queue.threads == 1)
        #expect(queue.add(3) == .startThread)
        queue.threadWasRefused()
        #expect(queue.take() == 2)
        #expect(queue.take() == 3)
    }
}
