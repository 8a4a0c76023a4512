import MeerkatCore
import MeerkatTesting
import Synchronization
import Testing

/// The parts that all waiting is made of, in thousands of orders.
@Suite struct Waiting {
    private static let seeds: ClosedRange<UInt64> = 1...2000

    /// Counts the tasks that a semaphore has admitted.
    private final class Room: Sendable {
        private struct State {
            var now = 0
            var most = 0
        }

        private let state = Mutex(State())

        var most: Int { state.withLock { $0.most } }
        var now: Int { state.withLock { $0.now } }

        func enter() {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
        }

        func leave() { state.withLock { $0.now -= 1 } }
    }

    @Test func aSemaphoreAdmitsNoMoreThanItsLimitAndForgetsNobody() throws {
        for seed in Self.seeds {
            let executor = SeededExecutor(seed: seed)
            let limit = Int(seed % 3) + 1
            let semaphore = AsyncSemaphore(limit: limit)
            let room = Room()
            let waiting = try executor.run(TestClock()) { () -> Int in
                let tasks = (0..<8).map { number in
                    Task(executorPreference: executor) {
                        guard number % 4 > 0 else {
                            return await semaphore.whileInside {
                                room.enter()
                                await Task.yield()
                                room.leave()
                            }
                        }
                        do throws(CancellationError) { try await semaphore.enter() } catch { return }
                        room.enter()
                        await Task.yield()
                        room.leave()
                        semaphore.leave()
                    }
                }
                for task in tasks where Int(seed) / 3 % 2 == 0 {
                    await Task.yield()
                    task.cancel()
                }
                for task in tasks { await task.value }
                // Whoever was cancelled has left no place behind.
                for _ in 0..<limit { try? await semaphore.enter() }
                return semaphore.waitingCount
            }
            guard waiting == 0, room.now == 0, room.most <= limit else {
                Issue.record("seed \(seed): \(waiting) wait, \(room.now) are inside, \(room.most) were")
                return
            }
        }
    }

    @Test func aLatchGivesItsValueToAllWhoWaitAndAreNotCancelled() throws {
        for seed in Self.seeds {
            let executor = SeededExecutor(seed: seed)
            let latch = AsyncLatch<Int>()
            let values = try executor.run(TestClock()) { () -> [Int?] in
                let waiting = (0..<6).map { number in
                    Task(executorPreference: executor) { () -> Int? in
                        number < 3 ? await latch.value : await latch.valueUnlessCancelled
                    }
                }
                await Task.yield()
                for task in waiting { task.cancel() }
                Task(executorPreference: executor) { latch.open(Int(seed)) }
                var values: [Int?] = []
                for task in waiting { values.append(await task.value) }
                return values
            }
            guard values[..<3].allSatisfy({ $0 == Int(seed) }),
                values[3...].allSatisfy({ $0 == nil || $0 == Int(seed) })
            else {
                Issue.record("seed \(seed): \(values)")
                return
            }
        }
    }

    @Test func aSleepEndsOnceWhetherItIsOverOrCancelled() throws {
        for seed in Self.seeds {
            let executor = SeededExecutor(seed: seed)
            let clock = TestClock()
            let ends = try executor.run(clock) { () -> Int in
                let sleeping = (0..<4).map { number in
                    Task(executorPreference: executor) { () -> Bool in
                        do throws(CancellationError) {
                            try await clock.sleep(for: .milliseconds(number))
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                for task in sleeping.dropFirst(2) {
                    await Task.yield()
                    task.cancel()
                }
                var ends = 0
                for task in sleeping { ends += await task.value ? 1 : 0 }
                return ends
            }
            guard ends >= 2, !clock.advanceToNextTimer() else {
                Issue.record("seed \(seed): \(ends) sleeps were over, or a timer is left")
                return
            }
        }
    }
}
