internal import MeerkatCore
internal import Synchronization

/// Runs the jobs of tasks on one thread, one at a time, in an order that a seed chooses.
///
/// The same seed gives the same order, as long as nothing that runs on it waits for another thread. Run with
/// `SWIFT_DETERMINISTIC_HASHING=1` when the code under test iterates over sets or dictionaries.
public final class SeededExecutor: TaskExecutor {
    /// Nothing can run any more, and the result is not there.
    public struct Stalled: Error, CustomStringConvertible {
        public let seed: UInt64
        public var description: String { "seed \(seed): every task waits for another one" }
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var random: SeededRandom
    }

    public let seed: UInt64
    private let state: Mutex<State>

    public init(seed: UInt64) {
        self.seed = seed
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Runs `body`, and all tasks that it starts on this executor, on the calling thread.
    ///
    /// When no job is left, time passes on `clock` until the next timer is due.
    ///
    /// - Throws: ``Stalled`` when no timer is left either.
    public func run<T: Sendable>(
        _ clock: TestClock, _ body: @escaping @Sendable () async -> T
    ) throws(Stalled) -> T {
        let result = AsyncLatch<T>()
        let value = Mutex<T?>(nil)
        result.whenOpen { opened in value.withLock { $0 = opened } }
        Task.detached(executorPreference: self) { result.open(await body()) }
        while true {
            if let value = value.withLock({ $0 }) { return value }
            if let job = next() {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if !clock.advanceToNextTimer() {
                throw Stalled(seed: seed)
            }
        }
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            return state.jobs.remove(at: Int.random(in: 0..<state.jobs.count, using: &state.random))
        }
    }
}

/// Random numbers that a seed repeats.
///
/// Source: <https://prng.di.unimi.it/splitmix64.c>
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
