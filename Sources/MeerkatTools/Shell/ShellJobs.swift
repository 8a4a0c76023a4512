internal import MeerkatCore
internal import MeerkatJSON
internal import Synchronization

/// The commands that run for a session, and what came of those in the background.
final class ShellJobs: Sendable {
    struct Limits: Sendable {
        /// Commands that run at the same time, in the foreground and the background together.
        var processes = 10
        /// Ended jobs that are remembered.
        var endedJobs = 100
        /// How long they are.
        var endedJobLife = Duration.seconds(300)
    }

    /// A command that runs or is about to.
    private struct Active {
        /// Nil until there is a process.
        var run: ShellRun?
        let gone = AsyncLatch<Void>()
    }

    private struct Entry {
        var job: ShellJob
        let begun: UInt64
        /// When the job ended, on the same clock.
        var ended: UInt64?
        var watcher: Task<Void, Never>?
    }

    private struct State {
        var active: [String: Active] = [:]
        /// In the order of their start.
        var jobs: [Entry] = []
        var isClosed = false

        func index(of id: String) -> Int? { jobs.firstIndex { $0.job.id == id } }
    }

    private static let cancelGrace = Duration.seconds(2)
    private static let closeGrace = Duration.milliseconds(250)
    private static let closeLimit = Duration.milliseconds(2800)

    private let limits: Limits
    private let clock: any RuntimeClock
    private let post: @Sendable (String) async -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limits: how much may run and be remembered.
    ///   - clock: for timeouts and ages.
    ///   - post: takes the notice of a job that has ended.
    init(limits: Limits = Limits(), clock: any RuntimeClock, post: @escaping @Sendable (String) async -> Void) {
        self.limits = limits
        self.clock = clock
        self.post = post
    }

    // MARK: Running commands

    /// Runs a command to its end.
    func run(_ request: ShellRequest, in context: ToolContext) async throws(ToolError) -> ShellResult {
        let run = try await begin(request, in: context)
        defer { release(request.id) }
        let result = await withTaskCancellationHandler {
            run.start(timeoutSeconds: request.timeoutSeconds, clock: clock)
            return await run.outcome
        } onCancel: {
            run.stop(grace: Self.closeGrace)
        }
        if Task.isCancelled { throw .interrupted("the command was stopped") }
        return try result.get()
    }

    /// Starts a command in the background.
    func spawn(_ request: ShellRequest, in context: ToolContext) async throws(ToolError) -> ShellJob {
        let run = try await begin(request, in: context)
        let job = ShellJob(
            id: request.id, command: request.text, workingDirectory: request.askedDirectory,
            timeoutSeconds: request.timeoutSeconds, started: clock.now)
        state.withLock { state in
            forgetEndedJobs(&state)
            state.jobs.append(Entry(job: job, begun: clock.uptime))
        }
        let watcher = Task(executorPreference: RuntimeExecutor.preferred) { [self] in
            let notice = finish(job.id, await run.outcome)
            release(job.id)
            if let notice { await post(notice) }
        }
        state.withLock { state in
            if let index = state.index(of: job.id) { state.jobs[index].watcher = watcher }
        }
        run.start(timeoutSeconds: request.timeoutSeconds, clock: clock)
        return job
    }

    /// Makes a process that is written down and waits to be started.
    private func begin(_ request: ShellRequest, in context: ToolContext) async throws(ToolError) -> ShellRun {
        try reserve(request.id)
        do throws(ToolError) {
            let run = try ShellRun(request)
            do throws(ToolError) {
                guard attach(run, to: request.id) else { throw .interrupted("the session is closed") }
                try await context.willStart(run.identity)
                guard !Task.isCancelled else { throw .interrupted("the command was stopped before it was started") }
                return run
            } catch {
                run.stop(grace: .zero)
                _ = await run.outcome
                throw error
            }
        } catch {
            release(request.id)
            throw error
        }
    }

    private func reserve(_ id: String) throws(ToolError) {
        let error = state.withLock { state -> ToolError? in
            if state.isClosed { return .interrupted("the session is closed") }
            guard state.active.count < limits.processes else {
                return .executionFailed(
                    "\(state.active.count) commands are running, and no more than \(limits.processes) may")
            }
            state.active[id] = Active()
            return nil
        }
        if let error { throw error }
    }

    /// False when everything has to end.
    private func attach(_ run: ShellRun, to id: String) -> Bool {
        state.withLock { state in
            state.active[id]?.run = run
            return !state.isClosed
        }
    }

    private func release(_ id: String) {
        state.withLock { $0.active.removeValue(forKey: id) }?.gone.open(())
    }

    // MARK: Background jobs

    /// In the order of their start.
    var all: [ShellJob] { state.withLock { $0.jobs.map(\.job) } }

    /// - Throws: ``ToolError/executionFailed(_:)`` when there is no such job.
    func job(_ id: String) throws(ToolError) -> ShellJob {
        guard let job = state.withLock({ state in state.index(of: id).map { state.jobs[$0].job } }) else {
            throw Self.unknown(id)
        }
        return job
    }

    /// Marks a job cancelled and ends its processes.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)`` when there is no such job or it has ended.
    func cancel(_ id: String) throws(ToolError) {
        let result = state.withLock { state -> Result<ShellRun?, ToolError> in
            guard let index = state.index(of: id) else { return .failure(Self.unknown(id)) }
            guard state.jobs[index].job.status.isRunning else {
                let name = state.jobs[index].job.status.name
                return .failure(.executionFailed("the job \(id.quoted) is not running but \(name)"))
            }
            let now = clock.uptime
            let nanoseconds = now.subtractingClamped(state.jobs[index].begun)
            state.jobs[index].job.status = .cancelled(seconds: Double(nanoseconds) / 1e9)
            state.jobs[index].ended = now
            return .success(state.active[id]?.run)
        }
        try result.get()?.stop(grace: Self.cancelGrace)
    }

    private static func unknown(_ id: String) -> ToolError { .executionFailed("there is no job \(id.quoted)") }

    /// Keeps what came of a job; tells what the conversation is to be told.
    private func finish(_ id: String, _ outcome: Result<ShellResult, ToolError>) -> String? {
        state.withLock { state in
            guard let index = state.index(of: id), state.jobs[index].job.status.isRunning else { return nil }
            let now = clock.uptime
            state.jobs[index].ended = now
            switch outcome {
            case .success(let result):
                state.jobs[index].job.status = result.hasTimedOut ? .timedOut(result) : .completed(result)
            case .failure(let error):
                let seconds = Double(now.subtractingClamped(state.jobs[index].begun)) / 1e9
                state.jobs[index].job.status = .failed(error: error.message, seconds: seconds)
            }
            return state.isClosed ? nil : state.jobs[index].job.notice
        }
    }

    private func forgetEndedJobs(_ state: inout State) {
        let life = UInt64(clamping: limits.endedJobLife.clampedNanoseconds)
        let now = clock.uptime
        state.jobs.removeAll { entry in entry.ended.map { now.subtractingClamped($0) > life } ?? false }
        var surplus = state.jobs.count { $0.ended != nil } - limits.endedJobs
        state.jobs.removeAll { entry in
            guard entry.ended != nil, surplus > 0 else { return false }
            surplus -= 1
            return true
        }
    }

    var openWork: String? {
        let running = all.filter(\.status.isRunning)
        guard !running.isEmpty else { return nil }
        return "Background jobs that are running:" + running.map { "\n- \($0.id): \($0.command)" }.joined()
    }

    // MARK: The end

    /// Ends every command; waits until all processes are gone, but no longer than the session may.
    func close() async {
        let (active, watchers) = state.withLock { state in
            state.isClosed = true
            return (Array(state.active.values), state.jobs.compactMap(\.watcher))
        }
        for one in active { one.run?.stop(grace: Self.closeGrace) }
        await waitUntilGone(active.map(\.gone))
        for watcher in watchers { watcher.cancel() }
    }

    private func waitUntilGone(_ latches: [AsyncLatch<Void>]) async {
        guard !latches.isEmpty else { return }
        let all = AsyncLatch<Void>()
        let left = Mutex(latches.count)
        let timer = clock.schedule(after: Self.closeLimit) { all.open(()) }
        for latch in latches {
            latch.whenOpen {
                let isLast = left.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast { all.open(()) }
            }
        }
        await all.value
        timer.cancel()
    }
}
