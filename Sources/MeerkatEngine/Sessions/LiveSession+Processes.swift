internal import MeerkatCore
internal import Synchronization

extension LiveSession {
    /// Waits until the processes that a dead rkat has left for the session are gone.
    ///
    /// They end by themselves within a second, unless something keeps them from it; then they are ended. Both are done
    /// under the claim on the session. Processes that a living rkat works with are left alone.
    ///
    /// - Throws: ``SessionError/Cause/processesLeft(_:)`` when some do not go within 5 s,
    ///   ``SessionError/Cause/cancelled(survivors:)`` when the task is cancelled, ``StoreError/conflict`` when the
    ///   session has changed.
    func waitForProcesses(with services: EngineServices) async throws(SessionError) {
        var left = leftProcesses(with: services)
        guard !left.isEmpty else { return }
        do throws(StoreError) { try await claim(with: services) } catch {
            throw SessionError(.store(error), session: id)
        }
        for round in 0..<50 where !left.isEmpty {
            if round == 20 {
                // Who cannot be named for certain is not ended.
                for process in left where process.owner.map(services.store.state(ofOwner:)) == .dead {
                    services.endProcess(process)
                }
            }
            do throws(CancellationError) {
                try await services.clock.sleep(for: .milliseconds(100))
            } catch {
                throw SessionError(.cancelled(survivors: []), session: id)
            }
            left = leftProcesses(with: services)
        }
        guard left.isEmpty else { throw SessionError(.processesLeft(left.map(\.pid)), session: id) }
    }

    /// The processes of the session that are not known to have ended and that no living rkat works with.
    private func leftProcesses(with services: EngineServices) -> [ToolProcess] {
        let known = live.withLock { $0.endedProcesses }
        let processes = withLoaded { $0.state.processes } ?? []
        guard !processes.isEmpty else { return [] }
        var left: [ToolProcess] = []
        var ended: [ToolProcess] = []
        for process in processes where !known.contains(process) {
            switch process.owner.map(services.store.state(ofOwner:)) ?? .unknown {
            case .thisProcess, .otherProcess: break
            case .nobody, .dead, .unknown:
                if services.hasEnded(process) { ended.append(process) } else { left.append(process) }
            }
        }
        if !ended.isEmpty { live.withLock { $0.endedProcesses.formUnion(ended) } }
        return left
    }
}
