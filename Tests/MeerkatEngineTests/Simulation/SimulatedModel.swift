import MeerkatCore
import MeerkatJSON
import MeerkatTesting
import Synchronization

/// Answers with text, tools, failures or silence, as its seed decides.
final class SimulatedModel: ModelProvider {
    let name = "simulated"
    let endpoint = "here"
    let wireFormat = WireFormat.chatCompletions
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) {
        random = Mutex(SeededRandom(seed: seed))
    }

    func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter) {
        writer.element { writer in writer.writeString("group") }
    }

    func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer {
        var text = ""
        for _ in 0..<Int.random(in: 0..<3, from: random) {
            await Task.yield()
            guard !Task.isCancelled else { throw .cancelled }
            text += "word "
            guard !sink.offer(EventBatch(.textDelta(TextDelta(delta: "word ")))) else { continue }
            let drained = AsyncLatch<Void>()
            sink.whenDrained { drained.open(()) }
            _ = await drained.valueUnlessCancelled
        }
        let usage = Usage(inputTokens: 10, outputTokens: 10)
        // Only a summary is asked for without tools.
        guard !request.tools.isEmpty else {
            return ModelAnswer(blocks: [.text("a summary")], stopReason: .endTurn, usage: usage)
        }
        switch Int.random(in: 0..<10, from: random) {
        case 0: throw ProviderError(.overloaded, "simulated", status: 503)
        case 1:
            // Silent until the call is cancelled or times out.
            _ = await AsyncLatch<Void>().valueUnlessCancelled
            throw .cancelled
        case 2, 3, 4:
            let names = ["once", "pure", "job"]
            let calls = (0..<Int.random(in: 1..<3, from: random)).map { index in
                Block.toolUse(
                    ToolUse(
                        id: "call", name: names[Int.random(in: 0..<names.count, from: random)], arguments: .emptyObject)
                )
            }
            return ModelAnswer(blocks: calls, stopReason: .toolUse, usage: usage)
        default:
            return ModelAnswer(blocks: [.text(text + "end")], stopReason: .endTurn, usage: usage)
        }
    }
}

extension Int {
    static func random(in range: Range<Int>, from random: borrowing Mutex<SeededRandom>) -> Int {
        random.withLock { Int.random(in: range, using: &$0) }
    }
}
