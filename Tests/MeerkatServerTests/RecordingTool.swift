import MeerkatCore
import MeerkatJSON
import Synchronization

/// A tool that answers with its name and arguments, at once or when it is released.
final class RecordingTool: Tool {
    let definition: ToolDefinition
    private let state: Mutex<(calls: [String], isHeld: Bool, waiting: [AsyncGate])>

    init(name: String, isHeld: Bool = false) {
        definition = ToolDefinition(name: name, description: "Records its calls.", inputSchema: .emptyObject)
        state = Mutex(([], isHeld, []))
    }

    /// The arguments of each call.
    var calls: [String] { state.withLock { $0.calls } }

    func release() {
        let waiting = state.withLock { state in
            state.isHeld = false
            return state.waiting
        }
        for gate in waiting { gate.open() }
    }

    func call(_ arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let gate = AsyncGate()
        let isHeld = state.withLock { state in
            state.calls.append(arguments.text)
            if state.isHeld { state.waiting.append(gate) }
            return state.isHeld
        }
        if isHeld { await gate.wait() }
        if Task.isCancelled { throw .interrupted("cancelled") }
        return .text("\(definition.name) \(arguments.text)")
    }
}

/// Opens once, or when the waiting task is cancelled.
final class AsyncGate: Sendable {
    private let state = Mutex<(isOpen: Bool, continuation: CheckedContinuation<Void, Never>?)>((false, nil))

    func open() {
        state.withLock { state in
            defer { state = (true, nil) }
            return state.continuation
        }?.resume()
    }

    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.continuation = continuation }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            open()
        }
    }
}
