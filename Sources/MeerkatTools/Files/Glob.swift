internal import MeerkatCore

/// A pattern for paths: `*`, `?`, `[a-z]` and `{a,b}` within a name, `**` for any number of directories.
///
/// Without a slash it is about the last name of a path, wherever that is. The time it takes grows with the lengths of
/// pattern and path, whatever is in them.
struct Glob: Sendable {
    /// What one name of a path must be like.
    private enum Part {
        case anyDirectories
        case name([Symbol])
    }

    fileprivate enum Symbol {
        case scalar(Unicode.Scalar)
        case anyScalar
        case anyScalars
        case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private static let maxLength = 1000
    private static let maxAlternatives = 256

    private let alternatives: [[Part]]
    /// Whether it says something about more than the last name.
    let isAnchored: Bool

    init(_ pattern: String) throws(ToolError) {
        let scalars = Array(pattern.unicodeScalars)
        guard scalars.count <= Self.maxLength else { throw .invalidArguments("the file pattern is too long") }
        guard let expanded = Self.expand(scalars) else {
            throw .invalidArguments("the file pattern has too many alternatives: \"\(pattern.quoted)\"")
        }
        isAnchored = scalars.contains("/")
        alternatives = expanded.map { alternative in
            alternative.split(separator: "/").filter { !$0.elementsEqual(["."]) }.map { name in
                name.elementsEqual(["*", "*"]) ? .anyDirectories : .name(Self.symbols(Array(name)))
            }
        }
    }

    /// Whether the pattern is met by a path, given as its names.
    func matches(_ path: some BidirectionalCollection<String>) -> Bool {
        let names = (isAnchored ? Array(path) : path.last.map { [$0] } ?? []).map { Array($0.unicodeScalars) }
        return alternatives.contains { parts in
            Self.match(
                names, parts,
                isRepeated: { if case .anyDirectories = $0 { true } else { false } },
                isMet: { part, name in
                    guard case .name(let symbols) = part else { return true }
                    return Self.match(
                        name, symbols,
                        isRepeated: { if case .anyScalars = $0 { true } else { false } },
                        isMet: { $0.matches($1) })
                })
        }
    }

    /// Matches values one by one; a repeated part stands for any number of values.
    ///
    /// Only the last repeated part is ever tried again: if it does not help, an earlier one would not either.
    private static func match<Value, Part>(
        _ values: [Value], _ parts: [Part], isRepeated: (Part) -> Bool, isMet: (Part, Value) -> Bool
    ) -> Bool {
        var (value, part) = (0, 0)
        var retry: (value: Int, part: Int)?
        while value < values.count {
            if part < parts.count, isRepeated(parts[part]) {
                retry = (value, part)
                part += 1
            } else if part < parts.count, isMet(parts[part], values[value]) {
                value += 1
                part += 1
            } else if let (start, repeated) = retry {
                retry = (start + 1, repeated)
                value = start + 1
                part = repeated + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy(isRepeated)
    }

    // MARK: Reading

    /// The pattern with the first braces replaced by each of their alternatives, and so on; nil when they are too many.
    private static func expand(_ pattern: [Unicode.Scalar]) -> [[Unicode.Scalar]]? {
        var done: [[Unicode.Scalar]] = []
        var waiting = [pattern]
        while let next = waiting.popLast() {
            guard done.count + waiting.count < maxAlternatives else { return nil }
            guard let (braces, choices) = firstBraces(next) else {
                done.append(next)
                continue
            }
            for choice in choices.reversed() {
                waiting.append(Array(next[..<braces.lowerBound] + choice + next[braces.upperBound...]))
            }
        }
        return done
    }

    private static func firstBraces(_ text: [Unicode.Scalar]) -> (Range<Int>, [ArraySlice<Unicode.Scalar>])? {
        var depth = 0
        var start = 0
        var commas: [Int] = []
        for (index, scalar) in text.enumerated() {
            switch scalar {
            case "{":
                if depth == 0 { (start, commas) = (index, []) }
                depth += 1
            case "," where depth == 1: commas.append(index)
            case "}" where depth == 1:
                let bounds = [start] + commas + [index]
                let choices = zip(bounds, bounds.dropFirst()).map { text[($0 + 1)..<$1] }
                return (start..<index + 1, choices)
            case "}" where depth > 1: depth -= 1
            default: break
            }
        }
        return nil
    }

    private static func symbols(_ name: [Unicode.Scalar]) -> [Symbol] {
        var symbols: [Symbol] = []
        var at = 0
        while at < name.count {
            switch name[at] {
            case "*": symbols.append(.anyScalars)
            case "?": symbols.append(.anyScalar)
            case "\\" where at + 1 < name.count:
                at += 1
                symbols.append(.scalar(name[at]))
            case "[":
                guard let (set, end) = set(name, from: at) else {
                    symbols.append(.scalar("["))
                    break
                }
                symbols.append(set)
                at = end
            case let scalar: symbols.append(.scalar(scalar))
            }
            at += 1
        }
        return symbols
    }

    /// Reads `[abc]`, `[a-z]` or `[!a-z]` and where it ends; nil when it is not closed.
    private static func set(_ name: [Unicode.Scalar], from start: Int) -> (Symbol, end: Int)? {
        var at = start + 1
        let isNegated = at < name.count && (name[at] == "!" || name[at] == "^")
        if isNegated { at += 1 }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while at < name.count {
            if name[at] == "]", !ranges.isEmpty { return (.oneOf(ranges, isNegated: isNegated), at) }
            if at + 2 < name.count, name[at + 1] == "-", name[at + 2] != "]" {
                ranges.append(min(name[at], name[at + 2])...max(name[at], name[at + 2]))
                at += 3
            } else {
                ranges.append(name[at]...name[at])
                at += 1
            }
        }
        return nil
    }
}

extension Glob.Symbol {
    fileprivate func matches(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .scalar(let wanted): scalar == wanted
        case .anyScalar, .anyScalars: true
        case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
