internal import MeerkatJSON

/// Finds the tool calls that a model has written as text, because its server has no parser for them.
///
/// Only a complete, well-formed call of a known tool is one; everything else stays text. White space behind a call
/// belongs to it unless text follows.
///
/// Source: the chat templates of Hermes and Qwen (`<tool_call>`), Mistral (`[TOOL_CALLS]`), Llama (`<|python_tag|>`),
/// and <https://lmstudio.ai/docs/developer/openai-compat/tools> (`[TOOL_REQUEST]`).
struct ChatTextCalls: Sendable {
    enum Piece: Sendable, Hashable {
        case text([UInt8])
        case call(name: String, arguments: [UInt8])
    }

    private struct Marker: Sendable {
        var opening: [UInt8]
        /// Empty when the JSON itself is the end.
        var closing: [UInt8]

        init(_ opening: String, _ closing: String = "") {
            self.opening = Array(opening.utf8)
            self.closing = Array(closing.utf8)
        }
    }

    private static let markers = [
        Marker("<tool_call>", "</tool_call>"), Marker("[TOOL_REQUEST]", "[END_TOOL_REQUEST]"), Marker("[TOOL_CALLS]"),
        Marker("<|python_tag|>"),
    ]

    private enum State: Sendable {
        case text
        /// Behind the opening marker.
        case opened(Marker)
        case json(Marker, JSONExtent)
        /// Behind the JSON, which ends at `end`, and behind white space, which ends at `start`.
        case closing(Marker, end: Int, start: Int)
    }

    private let names: Set<String>
    private var state = State.text
    /// What may become a call.
    private var held: [UInt8] = []
    /// Where the JSON begins in ``held``.
    private var jsonStart = 0
    private var isBehindCall = false
    private var space: [UInt8] = []
    private var plain: [UInt8] = []
    private var pieces: [Piece] = []

    /// Looks for calls of the tools with these names.
    init(names: Set<String>) {
        self.names = names
    }

    mutating func take(_ bytes: [UInt8]) -> [Piece] {
        var rest = bytes[...]
        while !rest.isEmpty {
            if case .text = state, held.isEmpty, !isBehindCall {
                let end = rest.firstIndex { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[") } ?? rest.endIndex
                plain += rest[..<end]
                rest = rest[end...]
            }
            if let byte = rest.popFirst() { take(byte) }
        }
        return flushedPieces()
    }

    /// Gives out what was held back, as text.
    mutating func flush() -> [Piece] {
        state = .text
        release(held)
        held = []
        return flushedPieces()
    }

    private mutating func flushedPieces() -> [Piece] {
        defer { pieces = [] }
        flushPlain()
        return pieces
    }

    private mutating func flushPlain() {
        if !plain.isEmpty { pieces.append(.text(plain)) }
        plain = []
    }

    private mutating func release(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        plain += space
        plain += bytes
        space = []
        isBehindCall = false
    }

    // MARK: Bytes

    private mutating func take(_ byte: UInt8) {
        if case .text = state, held.isEmpty, isBehindCall, Self.isSpace(byte) {
            space.append(byte)
            return
        }
        held.append(byte)
        switch state {
        case .text: matchOpening()
        case .opened(let marker):
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") && marker.closing.isEmpty {
                jsonStart = held.count - 1
                state = .json(marker, JSONExtent())
            } else if !Self.isSpace(byte) {
                giveUp(keeping: 1)
            }
        case .json(let marker, var extent):
            extent.take(byte)
            state = extent.isOver ? .closing(marker, end: held.count, start: held.count) : .json(marker, extent)
            if extent.isOver, marker.closing.isEmpty { takeCall(end: held.count) }
        case .closing(let marker, let end, let start):
            if start == held.count - 1, Self.isSpace(byte) {
                state = .closing(marker, end: end, start: held.count)
                return
            }
            let tail = held[start...]
            if tail.elementsEqual(marker.closing) {
                takeCall(end: end)
            } else if !marker.closing.starts(with: tail) {
                giveUp(keeping: tail.count)
            }
        }
    }

    /// Compares what is held with the markers' beginnings, byte for byte released until it is one.
    private mutating func matchOpening() {
        while !held.isEmpty {
            if let marker = Self.markers.first(where: { $0.opening == held }) { return state = .opened(marker) }
            if Self.markers.contains(where: { $0.opening.starts(with: held) }) { return }
            release(CollectionOfOne(held.removeFirst()))
        }
    }

    /// It was no call: all is text but the last `count` bytes, in which a marker may begin.
    private mutating func giveUp(keeping count: Int) {
        let tail = held.suffix(count)
        state = .text
        release(held.dropLast(count))
        held = []
        for byte in tail { take(byte) }
    }

    private mutating func takeCall(end: Int) {
        state = .text
        // What is no JSON is no call.
        if let calls = try? calls(in: Array(held[jsonStart..<end])) {
            flushPlain()
            pieces += calls
            space = []
            isBehindCall = true
        } else {
            release(held)
        }
        held = []
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }

    // MARK: Calls

    /// The calls that a JSON text stands for; nil when one of them is none.
    private func calls(in json: [UInt8]) throws(JSONError) -> [Piece]? {
        let pieces = try JSONReader.read(json) { (reader) throws(JSONError) -> [Piece?] in
            guard try reader.peek() == .array else { return [try call(&reader)] }
            var pieces: [Piece?] = []
            try reader.readArray { (reader) throws(JSONError) in pieces.append(try call(&reader)) }
            return pieces
        }
        let known = pieces.compactMap { $0 }
        return known.isEmpty || known.count < pieces.count ? nil : known
    }

    private func call(_ reader: inout JSONReader) throws(JSONError) -> Piece? {
        var name: String?
        var arguments: [UInt8]?
        try reader.readObjectIfAny { (reader, key) throws(JSONError) in
            switch key {
            case "name": name = try reader.readText()
            case "arguments", "parameters":
                if try reader.peek() == .object { arguments = try reader.readRaw().bytes }
            default: break
            }
        }
        guard let name, let arguments, names.contains(name) else { return nil }
        return .call(name: name, arguments: arguments)
    }
}

/// Finds the end of a JSON object or array whose first byte has been seen, as far as brackets and strings show it.
private struct JSONExtent: Sendable {
    private var depth = 1
    private var isInString = false
    private var isEscaped = false

    var isOver: Bool { depth == 0 }

    mutating func take(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\"") { isInString = false }
            if byte == UInt8(ascii: "\\") { isEscaped = true }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}
