import MeerkatIO
import Testing

@Suite struct ThreadPools {
    @Test(.timeLimit(.minutes(1))) func aShortJobDoesNotWaitBehindABlockingOne() async {
        for _ in 0..<200 {
            let pool = ThreadPool(limit: 2)
            await Task(executorPreference: pool) {}.value
            while pool.sleepingThreads == 0 { await Task.yield() }
            let gate = Gate()
            gate.close()
            let long = Task(executorPreference: pool) { gate.pass() }
            let short = Task(executorPreference: pool) {}
            await short.value
            gate.open()
            await long.value
        }
    }
}

/// Follows every order in which jobs can come and the threads of a small pool can act.
@Suite struct JobQueues {
    private enum Move: CaseIterable {
        case add, arriveStarted, arriveWoken, finish
    }

    /// A pool whose threads take one step at a time.
    private struct Model {
        var queue: JobQueue<Int>
        var starting = 0
        var busy = 0

        /// What the next moves depend on.
        var state: [Int] {
            [queue.waiting, queue.threads, queue.asleep, queue.onTheirWay, starting, busy]
        }

        /// False when the move is not possible.
        mutating func make(_ move: Move) -> Bool {
            switch move {
            case .add:
                guard queue.waiting < 4 else { return false }
                if queue.add(0) == .startThread { starting += 1 }
            case .arriveStarted:
                guard starting > 0 else { return false }
                starting -= 1
                queue.threadHasStarted()
                take()
            case .arriveWoken:
                guard queue.wakeUp() else { return false }
                take()
            case .finish:
                guard busy > 0 else { return false }
                busy -= 1
                take()
            }
            return true
        }

        private mutating func take() {
            if queue.take() != nil { busy += 1 }
        }
    }

    @Test(arguments: 1...4) func noJobWaitsWhileAThreadCouldTakeIt(limit: Int) {
        var seen: Set<[Int]> = []
        var open = [Model(queue: JobQueue(limit: limit))]
        while let model = open.popLast() {
            guard seen.insert(model.state).inserted else { continue }
            let queue = model.queue
            let hasSpareThread = queue.asleep > 0 || queue.threads < limit
            #expect(queue.waiting <= queue.onTheirWay || !hasSpareThread)
            #expect(queue.threads == model.busy + queue.asleep + queue.onTheirWay)
            for move in Move.allCases {
                var next = model
                if next.make(move) { open.append(next) }
            }
        }
        #expect(seen.count > 4)
    }
}
