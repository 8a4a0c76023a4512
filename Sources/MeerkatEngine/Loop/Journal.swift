internal import MeerkatCore

extension RunLoop {
    /// Makes what is pending durable and then announces it.
    mutating func commit(_ hold: LiveSession.Hold? = nil) async throws(SessionError) {
        guard !pending.isEmpty else { return }
        let (entries, messages) = (pending, takenMessages)
        (pending, takenMessages) = ([], 0)
        do throws(StoreError) {
            try await session.append(
                entries, run: order.isRun ? run : nil, hold ?? (hasBegun ? .keep : .begin), messages: messages,
                with: services)
            hasBegun = true
        } catch {
            announcements = EventBatch()
            throw failure(.store(error))
        }
    }

    /// Sends what was announced and waits until there is room for more.
    mutating func emitAnnouncements() async {
        guard !announcements.isEmpty else { return }
        let batch = announcements
        announcements = EventBatch()
        await order.events.emit(batch, of: identity)
    }
}
