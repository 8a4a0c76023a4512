import MeerkatCore
import MeerkatEngine
import MeerkatJSON
import MeerkatStorage
import MeerkatTesting
import Synchronization

/// Two processes and their clients, who do at random what clients do, and what is found wrong afterwards.
final class World: Sendable {
    private struct Asked: Sendable {
        var session: SessionID?
        var outcome: Result<RunResult, SessionError>?
    }

    private struct State {
        var random: SeededRandom
        var processes: [SimulatedProcess] = []
        var sessions: [SessionID] = []
        var runs: [RunID] = []
        /// Results that clients have read, by run.
        var results: [RunID: Set<RunResult>] = [:]
        var faults: [String] = []
        /// All that there ever were.
        var known: Set<SessionID> = []
    }

    private let seed: UInt64
    private let executor: SeededExecutor
    private let clock = TestClock()
    private let ids = SequentialIDs()
    private let journals = MemorySessionStore()
    private let record = ToolRecord()
    private let events = TerminalEvents()
    private let state: Mutex<State>

    init(seed: UInt64) {
        self.seed = seed
        executor = SeededExecutor(seed: seed)
        state = Mutex(State(random: SeededRandom(seed: seed &* 31 &+ 7)))
    }

    // MARK: Running

    /// Lets the world go on until everything in it has come to its end; returns what is wrong then.
    func run() throws(SeededExecutor.Stalled) -> [String] {
        for _ in 0..<2 { _ = start() }
        return try executor.run(clock) { [self] in
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<4 { group.addTask { await self.live(as: client) } }
            }
            for process in state.withLock({ $0.processes }) where !process.store.isDead {
                await process.directory.close(grace: .seconds(600))
            }
            check()
            return state.withLock { $0.faults }
        }
    }

    private func start() -> SimulatedProcess {
        let number = state.withLock { $0.processes.count }
        let process = SimulatedProcess(
            journals.otherProcess(), seed: seed &* 101 &+ UInt64(number), clock: clock, ids: ids, record: record,
            executor: executor)
        state.withLock { $0.processes.append(process) }
        return process
    }

    private func chance(_ range: Range<Int>) -> Int { state.withLock { Int.random(in: range, using: &$0.random) } }

    private func one<T>(of values: [T]) -> T? { values.isEmpty ? nil : values[chance(0..<values.count)] }

    private var process: SimulatedProcess {
        let living = state.withLock { $0.processes.filter { !$0.store.isDead } }
        return one(of: living) ?? start()
    }

    private func live(as client: Int) async {
        for _ in 0..<5 {
            await Task.yield()
            await act()
        }
    }

    private func act() async {
        let process = process
        let sessions = state.withLock { $0.sessions }
        guard let session = one(of: sessions), sessions.count > 1 || chance(0..<3) > 0 else {
            let run = newRun()
            return await note(run) { () throws(SessionError) in
                try await process.directory.createSession(
                    SessionOptions(), prompt: [.text("begin")], run: run, events: self.events.sink(of: process))
            }
        }
        switch chance(0..<20) {
        case 0..<8:
            let run = newRun()
            await turn(run, in: session, process)
        case 8, 9:
            // The same run is asked for twice at once, of the same process or of two.
            let run = newRun()
            let other = self.process
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.turn(run, in: session, process) }
                group.addTask { await self.turn(run, in: session, other) }
            }
        case 10:
            guard let run = one(of: state.withLock { $0.runs }) else { return }
            await turn(run, in: session, process)
        case 11, 12:
            await note(nil) { () throws(SessionError) in
                try await process.directory.resumeTurn(
                    in: session, run: nil, events: self.events.sink(of: process))
            }
        case 13:
            _ = try? await process.directory.compact(session, events: IgnoringEventSink())
        case 14:
            _ = try? await process.directory.interrupt(session, run: nil)
        case 15:
            guard let fork = try? await process.directory.fork(session, at: nil, run: nil) else { return }
            add(fork.summary.id)
        case 16:
            read(session, process)
        case 17 where chance(0..<3) == 0:
            guard (try? await process.directory.archive(session)) != nil else { return }
            state.withLock { $0.sessions.removeAll { $0 == session } }
        case 18:
            process.die()
        default:
            await clock.pass(.milliseconds(20))
        }
    }

    private func newRun() -> RunID {
        let run = RunID(ids.uniqueID(at: clock.now))
        state.withLock { $0.runs.append(run) }
        return run
    }

    private func turn(_ run: RunID, in session: SessionID, _ process: SimulatedProcess) async {
        await note(run) { () throws(SessionError) in
            try await process.directory.startTurn(
                in: session, prompt: [.text("\(run)")], run: run, events: self.events.sink(of: process))
        }
    }

    private func note(
        _ run: RunID?, _ body: @Sendable () async throws(SessionError) -> RunResult
    ) async {
        do throws(SessionError) {
            let result = try await body()
            add(result.session)
            state.withLock { state in
                state.results[result.run, default: []].insert(result)
                if let run, run != result.run { state.faults.append("asked for \(run), answered \(result.run)") }
            }
        } catch {
            guard !isExpected(error) else { return }
            fault("unexpected answer: \(error)")
        }
    }

    private func add(_ session: SessionID) {
        state.withLock { state in
            if state.known.insert(session).inserted { state.sessions.append(session) }
        }
    }

    private func isExpected(_ error: SessionError) -> Bool {
        switch error.cause {
        // Another one runs, has run or has put the session away.
        case .busy, .store(.ownedElsewhere), .interrupted, .notInterrupted, .notFound, .cancelled, .closing: true
        case .provider, .recorded, .limitReached: true
        // The process died, or others kept changing the session.
        case .store(.failed), .endNotStored(.failed): true
        default: false
        }
    }

    private func read(_ session: SessionID, _ process: SimulatedProcess) {
        do throws(SessionError) {
            let shown = try process.directory.session(session)
            _ = try process.directory.history(of: session, after: 0, limit: 1000)
            if shown.state == .interrupted, shown.summary.openRun == nil { fault("interrupted without a run") }
        } catch {
            if case .store(.conflict) = error.cause { fault("a read met a conflict") }
        }
    }

    private func fault(_ text: String) { state.withLock { $0.faults.append(text) } }

    // MARK: Checking

    private func check() {
        let results = state.withLock { $0.results }
        var archived: Set<SessionID> = []
        for (run, count) in events.all where count > 1 { fault("run \(run) had \(count) terminal events") }
        for (call, count) in record.starts where count > 1 { fault("the once call \(call) was started \(count) times") }
        var outcomes: [RunID: [RunOutcome]] = [:]
        var messages: [String: Int] = [:]
        for id in allSessions() {
            let entries = (try? journals.entries(of: id, after: 0, limit: 100_000)) ?? []
            var open: RunID?
            // What a fork has copied counts for the original.
            var copied = 0
            var copiedRuns: Set<RunID> = []
            for (index, stored) in entries.enumerated() {
                guard case .entry(let entry) = stored else { return fault("an entry cannot be read") }
                if entry.seq != index + 1 { fault("session \(id) has a gap before \(entry.seq)") }
                switch entry.kind {
                case .sessionCreated(_, .forked(_, let seq)): copied = seq
                case .runStarted:
                    if let run = entry.run, entry.seq <= copied { copiedRuns.insert(run) }
                    if open != nil { fault("runs of session \(id) overlap at \(entry.seq)") }
                    open = entry.run
                case .runFinished(let outcome):
                    if open != entry.run { fault("session \(id) ends a run that is not open at \(entry.seq)") }
                    if let run = entry.run, !copiedRuns.contains(run) { outcomes[run, default: []].append(outcome) }
                    open = nil
                case .messageAdded(MessageOrigin.job.rawValue, let blocks) where entry.seq > copied:
                    messages[blocks.joinedText, default: 0] += 1
                case .archived: archived.insert(id)
                default: break
                }
            }
        }
        for (run, found) in outcomes where found.count > 1 { fault("run \(run) has \(found.count) ends") }
        for (run, read) in results {
            if read.count > 1 { fault("run \(run) had different results") }
            guard case .completed(let stored)? = outcomes[run]?.first, read.contains(stored) else {
                fault("the result of run \(run) is not in the journal")
                continue
            }
        }
        for (text, count) in messages where count > 1 { fault("\(text) was stored \(count) times") }
        if state.withLock({ $0.processes }).allSatisfy({ !$0.store.isDead }) {
            for (text, session) in record.posts where messages[text] == nil && !archived.contains(session) {
                fault("\(text) was lost")
            }
        }
    }

    private func allSessions() -> Set<SessionID> {
        let listed = ((try? journals.list(after: nil, limit: 10_000)) ?? []).map(\.summary.id)
        return state.withLock { $0.known.union(listed) }
    }
}

extension TestClock {
    /// Lets time pass for the calling task.
    func pass(_ duration: Duration) async { try? await sleep(for: duration) }
}
