internal import MeerkatCore
internal import Synchronization

extension LiveSession {
    /// When what could not be stored is tried again.
    struct Retry: Sendable {
        var timer: (any ScheduledAction)?
        /// The next try has not begun.
        var isScheduled = false
        /// Tries so far.
        var count = 0
        /// The session is closed for good.
        var isOver = false

        /// 0.25, 0.5, 1 … 4 s.
        var delay: Duration { .milliseconds(250 << min(count, 4)) }
    }

    /// The messages that wait for a model call, without the first `count`.
    func inbox(after count: Int) -> ArraySlice<Message> { live.withLock { $0.inbox.dropFirst(count) } }

    /// Puts a message into the conversation: before the next model call, or at once while no run is going on.
    func post(_ message: Message, with services: EngineServices) async {
        live.withLock { $0.inbox.append(message) }
        await settle(with: services)
    }

    /// Whether messages are not stored or a claim is held that no run needs.
    private var isUnsettled: Bool {
        live.withLock { live in live.run == nil && (live.claim != nil || !live.inbox.isEmpty) }
    }

    /// Stores the messages that wait and gives up a claim that no run needs any more.
    ///
    /// While a run is going on here, that run does both. What cannot be stored now, for example because another process
    /// runs the session, stays and is tried again later.
    func settle(with services: EngineServices) async {
        guard isUnsettled else { return }
        // A run that begins waits for its turn to append, so that no message comes between a question and its answer.
        let failure = await appendOrder.whileInside { () async -> StoreError? in
            guard isUnsettled else { return nil }
            do throws(StoreError) {
                try await storeInbox(with: services)
                try await releaseClaim(with: services)
                return nil
            } catch {
                if error == .notFound { dropMessages(with: services) }
                return error
            }
        }
        switch failure {
        case nil, .notFound: live.withLock { $0.retry.count = 0 }
        case .some(let error):
            services.log(.warn, "session \(id): messages wait, because they could not be stored: \(error.message)")
            scheduleRetry(with: services)
        }
    }

    private func storeInbox(with services: EngineServices) async throws(StoreError) {
        guard !inbox(after: 0).isEmpty else { return }
        var count = 0
        try await changeInOrder(with: services) { session in
            let messages = session.inbox(after: 0)
            count = messages.count
            return messages.map(\.entry)
        }
        live.withLock { $0.inbox.removeFirst(min(count, $0.inbox.count)) }
    }

    /// Forgets what cannot be stored any more: the session is archived or deleted, and nobody will read it.
    private func dropMessages(with services: EngineServices) {
        let count = live.withLock { live -> Int in
            live.claim = nil
            guard live.run == nil else { return 0 }
            defer { live.inbox = [] }
            return live.inbox.count
        }
        if count > 0 { services.log(.info, "session \(id) is gone; \(count) messages for it are dropped") }
    }

    private func releaseClaim(with services: EngineServices) async throws(StoreError) {
        guard let claim else { return }
        try await services.store.release(claim, on: id)
        live.withLock { $0.claim = nil }
    }

    private func scheduleRetry(with services: EngineServices) {
        let delay = live.withLock { live -> Duration? in
            guard !live.retry.isScheduled, !live.retry.isOver else { return nil }
            live.retry.isScheduled = true
            defer { live.retry.count += 1 }
            return live.retry.delay
        }
        guard let delay else { return }
        let timer = services.clock.schedule(after: delay) { [weak self] in
            guard let self else { return }
            live.withLock { live in
                live.retry.timer = nil
                live.retry.isScheduled = false
            }
            // Not owned by anyone, because it only waits for the store, which outlives it.
            Task.detached(executorPreference: services.taskExecutor) { await self.settle(with: services) }
        }
        let isOver = live.withLock { live in
            // Its time may be over already.
            if live.retry.isScheduled { live.retry.timer = timer }
            return live.retry.isOver
        }
        if isOver { timer.cancel() }
    }

    /// Tries a last time to store what waits; nothing is tried again afterwards.
    func settleFinally(with services: EngineServices) async {
        let timer = live.withLock { live in
            live.retry.isOver = true
            return live.retry.timer.take()
        }
        timer?.cancel()
        await settle(with: services)
        let count = inbox(after: 0).count
        if count > 0 { services.log(.error, "session \(id): \(count) messages could not be stored and are lost") }
    }
}
