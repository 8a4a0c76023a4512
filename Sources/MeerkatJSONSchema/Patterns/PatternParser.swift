/// Reads the regular expressions of ECMA-262 as a syntax tree, matching by code points (the `u` flag).
///
/// As in most engines, `{` and `]` may stand for themselves where they cannot mean anything else, and punctuation may
/// be escaped without need. Look-around, back-references, scripts and inline flags are refused.
///
/// Source: <https://tc39.es/ecma262/#sec-patterns>
struct PatternParser {
    private static let maxNesting = 100
    private static let maxCount = 1_000_000

    let scalars: [Unicode.Scalar]
    var position = 0
    private var nesting = 0

    init(_ source: String) {
        scalars = Array(source.unicodeScalars)
    }

    static func parse(_ source: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(source)
        let node = try parser.alternatives()
        guard parser.next == nil else { throw .syntax("a \")\" closes no group") }
        return node
    }

    /// The code point at the current position, not consumed.
    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    /// Consumes `text` if it comes next.
    mutating func skip(_ text: String) -> Bool {
        var at = position
        for scalar in text.unicodeScalars {
            guard at < scalars.count, scalars[at] == scalar else { return false }
            at += 1
        }
        position = at
        return true
    }

    // MARK: Structure

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        var branches = [try sequence()]
        while skip("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" { nodes.append(try term()) }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func term() throws(PatternError) -> PatternNode {
        if let assertion = assertion() {
            guard try quantifier() == nil else { throw .syntax("an assertion cannot be repeated") }
            return .assertion(assertion)
        }
        let atom = try atom()
        guard let (min, max) = try quantifier() else { return atom }
        _ = skip("?")
        return .repetition(atom, min: min, max: max)
    }

    private mutating func assertion() -> PatternNode.Assertion? {
        if skip("^") { return .start }
        if skip("$") { return .end }
        if skip("\\b") { return .wordBoundary }
        if skip("\\B") { return .noWordBoundary }
        return nil
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        let start = position
        guard try quantifier() == nil else { throw .syntax("nothing to repeat at code point \(start + 1)") }
        guard let scalar = next else { throw .syntax("the expression ends too early") }
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return .scalar(try characterClass())
        case ".": return .scalar(.noLineEnd)
        case "\\": return .scalar(try escape(inClass: false))
        default: return .scalar(ScalarSet(scalar.value))
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        guard nesting < Self.maxNesting else { throw .tooLarge(limit: Self.maxNesting) }
        nesting += 1
        if skip("?") { try groupKind() }
        let node = try alternatives()
        guard skip(")") else { throw .syntax("a group is not closed") }
        nesting -= 1
        return node
    }

    private mutating func groupKind() throws(PatternError) {
        if skip(":") { return }
        if skip("=") || skip("!") { throw .unsupported("look-ahead is") }
        if skip("<=") || skip("<!") { throw .unsupported("look-behind is") }
        guard skip("<") else { throw .unsupported("this kind of group is") }
        let start = position
        while let scalar = next, scalar != ">" {
            guard scalar.properties.isIDContinue || scalar == "$" else { throw .syntax("invalid group name") }
            position += 1
        }
        guard position > start, skip(">") else { throw .syntax("invalid group name") }
    }

    // MARK: Quantifiers

    private mutating func quantifier() throws(PatternError) -> (min: Int, max: Int?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        guard next == "{" else { return nil }
        let start = position
        position += 1
        if let min = count() {
            if skip("}") { return (min, min) }
            if skip(",") {
                if skip("}") { return (min, nil) }
                if let max = count(), skip("}") {
                    guard min <= max else { throw .syntax("the bounds of a repetition are in the wrong order") }
                    return (min, max)
                }
            }
        }
        position = start
        return nil
    }

    /// A number; what is larger than any repetition that could be unfolded is cut.
    private mutating func count() -> Int? {
        var value: Int?
        while let scalar = next, let digit = Self.digit(scalar, radix: 10) {
            value = min((value ?? 0) * 10 + Int(digit), Self.maxCount)
            position += 1
        }
        return value
    }

    static func digit(_ scalar: Unicode.Scalar, radix: Int) -> UInt32? {
        guard scalar.isASCII, let digit = Character(scalar).hexDigitValue, digit < radix else { return nil }
        return UInt32(digit)
    }
}
