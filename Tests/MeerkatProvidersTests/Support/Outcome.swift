import MeerkatCore
import MeerkatIO
import MeerkatJSON

@testable import MeerkatProviders

/// What came of a stream: the answer, and what was streamed on the way.
struct Outcome: Hashable {
    var answer: ModelAnswer?
    var error: ProviderError?
    var text = ""
    var reasoning = ""
    var finishedReasoning: [String] = []

    /// Feeds `pieces` to `decoder` and ends the stream.
    static func decoding(_ pieces: [[UInt8]], with decoder: some StreamDecoder) -> Outcome {
        var reader = EventStreamReader(decoder)
        var outcome = Outcome()
        var batch = EventBatch()
        do throws(ProviderError) {
            for piece in pieces {
                try piece.withBytes { (bytes) throws(ProviderError) in try reader.decode(bytes.bytes, into: &batch) }
                outcome.add(batch)
                batch.removeAll()
            }
            outcome.answer = try reader.finish(into: &batch)
        } catch {
            outcome.error = error
        }
        outcome.add(batch)
        return outcome
    }

    mutating func add(_ batch: borrowing EventBatch) {
        for event in batch.events {
            switch event {
            case .textDelta(let event): text += event.delta
            case .reasoningDelta(let event): reasoning += event.delta
            case .reasoningComplete(let event): finishedReasoning.append(event.content)
            default: break
            }
        }
    }

    /// Text, reasoning and tool calls without what only accounting changes.
    var content: [Block]? { answer?.blocks }
}

extension [Block] {
    var reasoningTexts: [String] {
        compactMap { block in if case .reasoning(let text, _) = block { text } else { nil } }
    }
}

extension JSONValue {
    /// The value with members in alphabetical order, to compare what means the same.
    var sorted: JSONValue {
        switch self {
        case .array(let values): return .array(values.map(\.sorted))
        case .object(let object):
            var result = JSONObject()
            for member in object.members.sorted(by: { $0.name < $1.name }) { result[member.name] = member.value.sorted }
            return .object(result)
        case .number(let number):
            return number.double.flatMap { JSONNumber($0) }.map { .number($0) } ?? self
        case .null, .bool, .string: return self
        }
    }
}
