import MeerkatCore
import MeerkatJSON
import Synchronization

/// What the tools of all simulated processes have done.
final class ToolRecord: Sendable {
    private struct State {
        var started: [String: Int] = [:]
        var posted: [String: SessionID] = [:]
        var nextJob = 0
    }

    private let state = Mutex(State())

    func started(_ key: String) { state.withLock { $0.started[key, default: 0] += 1 } }
    /// How often each `once` call was started.
    var starts: [String: Int] { state.withLock { $0.started } }

    func newJob() -> String {
        state.withLock { state in
            state.nextJob += 1
            return "job \(state.nextJob) is over"
        }
    }

    func posted(_ text: String, in session: SessionID) { state.withLock { $0.posted[text] = session } }
    /// The messages that have been handed to a session whose process lives.
    var posts: [String: SessionID] { state.withLock { $0.posted } }
}

/// A tool that takes a few turns of the executor.
struct SimulatedTool: Tool {
    let definition: ToolDefinition
    let effect: ToolEffect
    let record: ToolRecord

    init(_ name: String, _ effect: ToolEffect, _ record: ToolRecord) {
        definition = ToolDefinition(name: name, description: "Simulated.", inputSchema: .emptyObject)
        self.effect = effect
        self.record = record
    }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        if effect == .once { record.started("\(context.session) \(context.run) \(context.toolUseID)") }
        for _ in 0..<3 { await Task.yield() }
        do throws(CancellationError) { try await context.clock.sleep(for: .milliseconds(10)) } catch {
            throw .interrupted("cancelled")
        }
        return .text("done")
    }
}

/// A tool whose work goes on after the call and ends with a message.
final class SimulatedJobTool: Tool {
    let definition = ToolDefinition(name: "job", description: "Simulated.", inputSchema: .emptyObject)
    private let record: ToolRecord
    private let scope: ToolScope
    private let executor: any TaskExecutor
    private let jobs = Mutex<[Task<Void, Never>]>([])

    init(_ record: ToolRecord, _ scope: ToolScope, _ executor: any TaskExecutor) {
        self.record = record
        self.scope = scope
        self.executor = executor
    }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let text = record.newJob()
        let job = Task.detached(executorPreference: executor) { [record, scope] in
            for _ in 0..<5 { await Task.yield() }
            record.posted(text, in: scope.session)
            await scope.post(.job, [.text(text)])
        }
        jobs.withLock { $0.append(job) }
        return .text("started")
    }

    /// Waits for the ends of all jobs.
    func close() async {
        for job in jobs.withLock({ $0 }) { await job.value }
    }
}
