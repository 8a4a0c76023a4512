internal import MeerkatCore
internal import Synchronization

/// One attempt of a model call, ended when the provider stays silent for too long.
///
/// The clocks stand still while the reader of the events has to catch up.
final class WatchedCall: ModelSink {
    private struct State {
        var task: Task<Result<ModelAnswer, ProviderError>, Never>?
        var timer: (any ScheduledAction)?
        /// When the provider last showed a sign of life, or the reader caught up.
        var lastProgress: UInt64
        var hasBegun = false
        var hasShownText = false
        var isTimedOut = false
        var isOver = false
    }

    private let provider: any ModelProvider
    private let identity: RunIdentity
    private let events: any EventSink
    private let clock: any RuntimeClock
    private let executor: (any TaskExecutor)?
    private let state: Mutex<State>

    init(
        of provider: any ModelProvider, for identity: RunIdentity, events: any EventSink, with services: EngineServices
    ) {
        self.provider = provider
        self.identity = identity
        self.events = events
        clock = services.clock
        executor = services.taskExecutor
        state = Mutex(State(lastProgress: clock.uptime))
    }

    /// Whether text or reasoning of this attempt has gone out.
    var hasShownText: Bool { state.withLock { $0.hasShownText } }

    /// Whether the provider has sent something of an answer.
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    func run(
        _ request: ModelRequest, firstToken: Duration, idle: Duration
    ) async throws(ProviderError) -> ModelAnswer {
        let task = Task(executorPreference: executor) {
            [provider] () -> Result<ModelAnswer, ProviderError> in
            do throws(ProviderError) { return .success(try await provider.stream(request, into: self)) } catch {
                return .failure(error)
            }
        }
        state.withLock { $0.task = task }
        watch(for: firstToken, firstToken: firstToken, idle: idle)
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        let (timer, isTimedOut, hasBegun) = state.withLock { state in
            defer {
                state.isOver = true
                state.timer = nil
                state.task = nil
            }
            return (state.timer, state.isTimedOut, state.hasBegun)
        }
        timer?.cancel()
        if case .success = result, Task.isCancelled { throw .cancelled }
        if case .failure(let error) = result, isTimedOut, !Task.isCancelled {
            let limit = hasBegun ? idle : firstToken
            throw ProviderError(
                .timeout, "the provider was silent for \(limit.words)", usage: error.usage)
        }
        return try result.get()
    }

    /// Looks after `delay` whether the provider has been silent for too long.
    private func watch(for delay: Duration, firstToken: Duration, idle: Duration) {
        let timer = clock.schedule(after: delay) { [weak self] in self?.look(firstToken: firstToken, idle: idle) }
        let isOver = state.withLock { state in
            if !state.isOver { state.timer = timer }
            return state.isOver
        }
        if isOver { timer.cancel() }
    }

    private func look(firstToken: Duration, idle: Duration) {
        let now = clock.uptime
        let hasRoom = hasRoom
        let next = state.withLock { state -> Duration? in
            guard !state.isOver else { return nil }
            let limit = state.hasBegun ? idle : firstToken
            if !hasRoom { return limit }
            let silence = Duration.nanoseconds(Int64(clamping: now - min(state.lastProgress, now)))
            if silence < limit { return limit - silence }
            state.isTimedOut = true
            state.task?.cancel()
            return nil
        }
        if let next { watch(for: next, firstToken: firstToken, idle: idle) }
    }

    // MARK: ModelSink

    func offer(_ batch: borrowing EventBatch) -> Bool {
        let now = clock.uptime
        let isEmpty = batch.isEmpty
        let hasProgress = batch.hasProgress || !isEmpty
        state.withLock { state in
            guard hasProgress else { return }
            state.lastProgress = now
            state.hasBegun = true
            if !isEmpty { state.hasShownText = true }
        }
        guard !isEmpty, !events.offer(batch, of: identity) else { return true }
        // The silence of the provider begins when the reader has caught up, whoever else waits for that.
        events.whenDrained(of: identity) { [weak self] in
            guard let self else { return }
            let now = clock.uptime
            state.withLock { $0.lastProgress = max($0.lastProgress, now) }
        }
        return false
    }

    var hasRoom: Bool { events.hasRoom(for: identity) }

    func whenDrained(_ action: @escaping @Sendable () -> Void) {
        events.whenDrained(of: identity, action)
    }
}

extension Duration {
    /// In seconds, or in milliseconds when they are not whole.
    fileprivate var words: String {
        milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
