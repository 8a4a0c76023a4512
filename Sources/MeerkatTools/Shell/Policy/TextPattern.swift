/// A pattern that a whole text has to match; for paths there is ``Glob``.
///
/// `*` is any text, slashes included, `?` one character, `[a-z]` one of some and `[!a-z]` one of all others.
struct TextPattern: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case any
        case one
        case literal(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any: false
            case .one: true
            case .literal(let literal): literal == scalar
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    private let parts: [Part]

    /// Nil when a `[` is not closed or a range runs backwards.
    init?(_ pattern: String) {
        var parts: [Part] = []
        var rest = Array(pattern.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if parts.last != .any { parts.append(.any) }
            case "?": parts.append(.one)
            case "[":
                guard let set = Self.set(&rest) else { return nil }
                parts.append(set)
            default: parts.append(.literal(scalar))
            }
        }
        self.parts = parts
    }

    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Part? {
        let isNegated = rest.first == "!"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let low = rest.popFirst() {
            // A bracket that comes first is one of the set.
            if low == "]", !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            guard rest.first == "-", let high = rest.dropFirst().first, high != "]" else {
                ranges.append(low...low)
                continue
            }
            guard low <= high else { return nil }
            ranges.append(low...high)
            rest.removeFirst(2)
        }
        return nil
    }

    /// - Parameters:
    ///   - text: all of it has to match.
    ///   - mayGoOn: called before each comparison.
    /// - Returns: false as soon as `mayGoOn` is false.
    func matches(_ text: String, mayGoOn: () -> Bool = { true }) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var part = 0
        var position = 0
        /// Where to go on when the text after the last `*` does not fit.
        var retry: (part: Int, position: Int)?
        while position < scalars.count {
            guard mayGoOn() else { return false }
            if part < parts.count, parts[part].matches(scalars[position]) {
                part += 1
                position += 1
            } else if part < parts.count, parts[part] == .any {
                part += 1
                retry = (part, position)
            } else if let last = retry {
                part = last.part
                position = last.position + 1
                retry = (last.part, position)
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }
}
