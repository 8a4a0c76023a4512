internal import MeerkatCore
internal import MeerkatJSON

/// A conversation as plain text, cut to a size.
///
/// Reasoning and data that only a provider understands are left out. Long pieces lose their middle; if that is not
/// enough, the middle of the whole is left out. Every gap is marked.
struct Transcript: Sendable {
    /// Most bytes of the text.
    let limit: Int
    /// Most bytes of one piece.
    private let pieceLimit: Int

    init(limit: Int) {
        self.limit = limit
        pieceLimit = max(limit / 16, 1024)
    }

    func text(of groups: some Collection<MessageGroup>) -> String {
        let pieces = groups.flatMap(lines)
        let total = pieces.reduce(0) { $0 + $1.utf8.count + 1 }
        guard total > limit else { return pieces.joined(separator: "\n") }
        var head: [String] = []
        var tail: [String] = []
        var room = limit
        var (first, last) = (0, pieces.count - 1)
        // From both ends alternately, so that the request and the latest steps survive.
        while first <= last {
            let piece = head.count <= tail.count ? pieces[first] : pieces[last]
            room -= piece.utf8.count + 1
            guard room >= 0 else { break }
            if head.count <= tail.count {
                head.append(piece)
                first += 1
            } else {
                tail.append(piece)
                last -= 1
            }
        }
        let gap = "[… \(last - first + 1) messages left out …]"
        return (head + [gap] + tail.reversed()).joined(separator: "\n")
    }

    private func lines(_ group: MessageGroup) -> [String] {
        switch group {
        case .input(let results, let messages):
            results.map { "Result of \($0.name)\($0.isError ? " (error)" : ""): \(cut($0.content.joinedText))" }
                + messages.map { "User: \(cut($0.describedText))" }
        case .answer(let blocks):
            blocks.compactMap { block in
                switch block {
                case .text(let text): "Agent: \(cut(text))"
                case .toolUse(let toolUse):
                    "Agent calls \(toolUse.name): \(cut(toolUse.arguments?.text ?? toolUse.malformedArguments ?? ""))"
                case .image, .reasoning, .opaque: nil
                }
            }
        }
    }

    private func cut(_ text: String) -> String {
        guard text.utf8.count > pieceLimit else { return text }
        let half = pieceLimit / 2
        let head = text.prefix(utf8: half)
        let tail = text.suffix(utf8: half)
        return "\(head) [… \(text.utf8.count - head.utf8.count - tail.utf8.count) bytes left out …] \(tail)"
    }
}
