internal import MeerkatCore
internal import MeerkatJSON
internal import Synchronization

/// The calls of one answer while they run, each in a task of its own.
///
/// Every call comes to exactly one end, whether its tool returns, its time is over or the run is interrupted. A tool
/// that does not heed its cancellation is left behind and named.
final class ToolBatch: Sendable {
    struct Call: Sendable {
        var toolUse: ToolUse
        var tool: any Tool
        var arguments: RawJSON
        /// Longest duration, counted from the beginning of the batch.
        var limit: Duration
        var context: ToolContext
    }

    /// How a call ended.
    struct Ended: Sendable {
        enum Reason: Sendable {
            case returned(ToolOutput)
            case failed(ToolError)
            case timedOut(Duration)
            /// The run was interrupted before the call had a result.
            case cancelled
        }

        var index: Int
        var reason: Reason
        var duration: Duration
        /// The tool goes on although it was told to end.
        var isLeftBehind = false
        /// The call had one of the places that calls run in, and leaves it.
        var hadPlace: Bool

        /// What the result is compared by, when that is not its content.
        var essence: String? {
            if case .returned(let output) = reason { output.essence } else { nil }
        }
    }

    /// How long a tool may take to end when it is told to.
    private static let grace = Duration.milliseconds(4500)

    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
        var starts: [Int: UInt64] = [:]
        var timers: [any ScheduledAction] = []
        var isOpen: [Bool]
        var timedOut: [Int: Duration] = [:]
        /// How the calls ended, in the order of their ends.
        var ended: [Ended] = []
        var next = 0
        /// The first call that has had no place yet.
        var nextWaiting: Int
        var isCancelled = false
    }

    private let calls: [Call]
    private let clock: any RuntimeClock
    private let executor: (any TaskExecutor)?
    private let state: Mutex<State>
    /// One for each place in ``State/ended``, opened when it is filled.
    private let ends: [AsyncLatch<Void>]

    /// Gives the first `places` calls a place to run in; the others wait for theirs.
    init(_ calls: [Call], places: Int, clock: any RuntimeClock, executor: (any TaskExecutor)?) {
        self.calls = calls
        self.clock = clock
        self.executor = executor
        ends = calls.map { _ in AsyncLatch() }
        state = Mutex(
            State(isOpen: Array(repeating: true, count: calls.count), nextWaiting: min(places, calls.count)))
        for (index, call) in calls.enumerated() {
            let timer = clock.schedule(after: call.limit) { [weak self] in self?.timeOut(index, after: call.limit) }
            state.withLock { $0.timers.append(timer) }
        }
    }

    /// Starts a call; without effect when it has ended already.
    func start(_ index: Int) {
        let call = calls[index]
        let mayStart = state.withLock { state in
            guard state.isOpen[index], !state.isCancelled else { return false }
            state.starts[index] = clock.uptime
            return true
        }
        guard mayStart else { return }
        let task = Task.immediateDetached(executorPreference: executor) { [self] in
            do throws(ToolError) {
                end(index, .returned(try await call.tool.call(json: call.arguments, in: call.context)))
            } catch {
                end(index, .failed(error))
            }
        }
        let isLate = state.withLock { state in
            guard state.isOpen[index] else { return false }
            state.tasks[index] = task
            return state.isCancelled || state.timedOut[index] != nil
        }
        if isLate { task.cancel() }
    }

    /// Gives the place that `end` leaves to the first call that still waits for one, and returns that call.
    ///
    /// - Returns: nil when the ended call had no place, because its time was over before, and when no call waits.
    func passPlace(of end: Ended) -> Int? {
        guard end.hadPlace else { return nil }
        return state.withLock { state in
            while state.nextWaiting < calls.count {
                defer { state.nextWaiting += 1 }
                if state.isOpen[state.nextWaiting] { return state.nextWaiting }
            }
            return nil
        }
    }

    /// Waits for the next end of a call; as often as there are calls.
    ///
    /// Cancelling the waiting task cancels the calls.
    func next() async -> Ended {
        let place = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        await withTaskCancellationHandler {
            await ends[place].value
        } onCancel: {
            cancel()
        }
        return state.withLock { $0.ended[place] }
    }

    /// Lets go of the timers.
    func close() {
        let timers = state.withLock { state in
            defer { state.timers = [] }
            return state.timers
        }
        for timer in timers { timer.cancel() }
    }

    /// Tells every call to end; those that have not begun end at once.
    func cancel() {
        let tasks = state.withLock { state -> [Int: Task<Void, Never>]? in
            guard !state.isCancelled else { return nil }
            state.isCancelled = true
            return state.tasks
        }
        guard let tasks else { return }
        for task in tasks.values { task.cancel() }
        for index in calls.indices where state.withLock({ $0.starts[index] == nil }) { end(index, .cancelled) }
        let timer = clock.schedule(after: Self.grace) { [weak self] in self?.leaveBehind() }
        state.withLock { $0.timers.append(timer) }
    }

    private func timeOut(_ index: Int, after limit: Duration) {
        let (isStarted, task) = state.withLock { state -> (Bool, Task<Void, Never>?) in
            guard state.isOpen[index] else { return (true, nil) }
            state.timedOut[index] = limit
            return (state.starts[index] != nil, state.tasks[index])
        }
        task?.cancel()
        guard isStarted else { return end(index, .timedOut(limit)) }
        let timer = clock.schedule(after: Self.grace) { [weak self] in
            self?.end(index, .timedOut(limit), isLeftBehind: true)
        }
        state.withLock { $0.timers.append(timer) }
    }

    private func leaveBehind() {
        for index in calls.indices { end(index, .cancelled, isLeftBehind: true) }
    }

    private func end(_ index: Int, _ reason: Ended.Reason, isLeftBehind: Bool = false) {
        let now = clock.uptime
        let place = state.withLock { state -> Int? in
            guard state.isOpen[index] else { return nil }
            state.isOpen[index] = false
            state.tasks[index] = nil
            let duration = Duration.nanoseconds(Int64(clamping: now.subtractingClamped(state.starts[index] ?? now)))
            var ended = Ended(
                index: index, reason: reason, duration: duration, isLeftBehind: isLeftBehind,
                hadPlace: index < state.nextWaiting)
            switch reason {
            case .failed where state.timedOut[index] != nil:
                ended.reason = .timedOut(state.timedOut[index] ?? .zero)
            case .failed where state.isCancelled: ended.reason = .cancelled
            default: break
            }
            state.ended.append(ended)
            return state.ended.count - 1
        }
        if let place { ends[place].open(()) }
    }
}
