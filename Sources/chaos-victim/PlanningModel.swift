internal import MeerkatCore
internal import MeerkatJSON

/// A model whose answer depends on nothing but the history it is shown.
struct PlanningModel: ModelProvider {
    /// The name of a model whose every call fails.
    static let failing = "claude-failing"

    let name = "chaos"
    let endpoint = "here"
    let wireFormat = WireFormat.chatCompletions
    let clock: any RuntimeClock
    let marker: String

    func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        writer.element { ShownHistory.write(group, to: &$0) }
    }

    func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        if request.model == Self.failing {
            Record.asked(.failure).write()
            throw ProviderError(.permissionDenied, "this model always fails", status: 403)
        }
        // Only a summary is asked for without tools.
        if request.tools.isEmpty {
            Record.asked(.summary).write()
            let text = "Much was done: \(request.history.chunks.joined().chained(to: 0))."
            try await stream([text], after: 3, into: sink)
            return ModelAnswer(blocks: [.text(text)], stopReason: .endTurn, usage: nil)
        }
        let history: ShownHistory
        do throws(JSONError) { history = try ShownHistory(request.history) } catch {
            throw violation("the body is no JSON: \(error)")
        }
        Record.request(history).write()
        guard history.faults.isEmpty else { throw violation(history.faults.joined(separator: "; ")) }
        if !request.usesTools {
            Record.asked(.extraction).write()
            let text = #"{"steps":\#(history.chain.count)}"#
            try await stream([text], after: 3, into: sink)
            return ModelAnswer(blocks: [.text(text)], stopReason: .endTurn, usage: usage(of: request))
        }
        guard let (seed, step) = position(in: history) else { throw violation("nothing says what to do") }
        let plan = Plan(seed: seed, marker: marker)
        let deltas = plan.deltas(at: step)
        try await stream(deltas, after: seed % 4, into: sink)
        var blocks: [Block] = deltas.isEmpty ? [] : [.text(deltas.joined())]
        guard step < plan.stepCount else {
            let text = "\(seed) is done after \(history.lastResults.map(\.id))"
            try await stream([text], after: 0, into: sink)
            blocks.append(.text(text))
            return ModelAnswer(blocks: blocks, stopReason: .endTurn, usage: usage(of: request))
        }
        let offered = Set(request.tools.map(\.name))
        blocks += plan.calls(at: step, offering: offered).map { .toolUse($0) }
        return ModelAnswer(blocks: blocks, stopReason: .toolUse, usage: usage(of: request))
    }

    /// Which plan the history asks for, and how many of its steps are done.
    private func position(in history: ShownHistory) -> (seed: Int, step: Int)? {
        if let prompt = history.openPrompt { return (prompt.seed, 0) }
        let parts = history.lastCalls.first?.id.split(separator: "_") ?? []
        guard parts.count == 4, let seed = Int(parts[1]), let step = Int(parts[2]) else { return nil }
        return (seed, step + 1)
    }

    private func usage(of request: ModelRequest) -> Usage {
        Usage(inputTokens: UInt64(request.history.byteCount / 4), outputTokens: 10)
    }

    private func stream(
        _ deltas: [String], after milliseconds: Int, into sink: any ModelSink
    ) async throws(ProviderError) {
        do throws(CancellationError) {
            if milliseconds > 0 { try await clock.sleep(for: .milliseconds(milliseconds)) }
            for (index, delta) in deltas.enumerated() {
                if index > 0 { try await clock.sleep(for: .microseconds(300)) }
                if !sink.offer(EventBatch(.textDelta(TextDelta(delta: delta)))) { await drained(sink) }
            }
        } catch {
            throw .cancelled
        }
    }

    private func drained(_ sink: any ModelSink) async {
        await withUnsafeContinuation { continuation in sink.whenDrained { continuation.resume() } }
    }

    private func violation(_ text: String) -> ProviderError {
        Record.violation(text).write()
        return ProviderError(.invalidRequest, text)
    }
}
