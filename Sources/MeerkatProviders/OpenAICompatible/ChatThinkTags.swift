/// Tells what a model thought from what it said, when an answer begins with `<think>`.
///
/// White space before the tag and line breaks behind `</think>` belong to the tags; nothing else is left out. Without
/// the closing tag all is reasoning.
struct ChatThinkTags: Sendable {
    /// What some text amounts to: first reasoning, then text.
    struct Split: Sendable, Hashable {
        var reasoning: [UInt8] = []
        var text: [UInt8] = []
    }

    private enum State: Sendable {
        case before, inside, behind, over
    }

    private static let opening = Array("<think>".utf8)
    private static let closing = Array("</think>".utf8)

    private var state = State.before
    /// What may be the beginning of a tag, with the white space before it.
    private var held: [UInt8] = []
    /// How much of ``held`` is white space before the opening tag.
    private var spaceCount = 0

    /// Nothing more is looked for.
    var isOver: Bool { state == .over }
    /// The opening tag has come.
    private(set) var hasBegun = false

    mutating func take(_ bytes: [UInt8]) -> Split {
        var split = Split()
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .before: takeBefore(rest.removeFirst(), &split)
            case .inside: takeInside(&rest, &split)
            case .behind:
                rest = rest.drop { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
                if !rest.isEmpty { state = .over }
            case .over:
                split.text += rest
                rest = []
            }
        }
        return split
    }

    /// Gives out what was held back; an opening tag is looked for no more.
    mutating func flush() -> Split {
        let bytes = held
        held = []
        if state == .inside { return Split(reasoning: bytes) }
        state = .over
        return Split(text: bytes)
    }

    private mutating func takeBefore(_ byte: UInt8, _ split: inout Split) {
        held.append(byte)
        if spaceCount == held.count - 1, Self.isSpace(byte) {
            spaceCount += 1
            return
        }
        let tag = held[spaceCount...]
        if tag.elementsEqual(Self.opening) {
            held = []
            hasBegun = true
            state = .inside
        } else if !Self.opening.starts(with: tag) {
            split.text += held
            held = []
            state = .over
        }
    }

    private mutating func takeInside(_ rest: inout ArraySlice<UInt8>, _ split: inout Split) {
        if held.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
            split.reasoning += rest[..<end]
            rest = rest[end...]
        }
        guard let byte = rest.popFirst() else { return }
        held.append(byte)
        if held == Self.closing {
            held = []
            state = .behind
        } else if !Self.closing.starts(with: held) {
            // The byte may begin the tag itself.
            let isOpening = byte == UInt8(ascii: "<")
            split.reasoning += isOpening ? held.dropLast() : held
            held = isOpening ? [byte] : []
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }
}
