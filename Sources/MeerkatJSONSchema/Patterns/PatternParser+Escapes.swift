extension PatternParser {
    /// Reads a class behind its `[`.
    mutating func characterClass() throws(PatternError) -> ScalarSet {
        var set = ScalarSet()
        set.isInverted = skip("^")
        while !skip("]") {
            let lower = try classAtom()
            guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                Self.insert(lower, into: &set)
                continue
            }
            position += 1
            let upper = try classAtom()
            if case .scalar(let lower) = lower, case .scalar(let upper) = upper {
                guard lower <= upper else { throw .syntax("a range in a class is in the wrong order") }
                set.insert(lower...upper)
            } else {
                // As in the non-Unicode grammar, `[\w-.]` holds a plain hyphen.
                for member in [lower, .scalar(0x2D), upper] { Self.insert(member, into: &set) }
            }
        }
        return set
    }

    private enum ClassAtom {
        case scalar(UInt32)
        case set(ScalarSet)
    }

    private static func insert(_ atom: ClassAtom, into set: inout ScalarSet) {
        switch atom {
        case .scalar(let scalar): set.insert(scalar...scalar)
        case .set(let other):
            guard other.properties.isEmpty else {
                for (property, isInverted) in other.properties {
                    set.insert(property, isInverted: isInverted != other.isInverted)
                }
                return
            }
            set.insert(rangesOf: other)
        }
    }

    private mutating func classAtom() throws(PatternError) -> ClassAtom {
        guard let scalar = next else { throw .syntax("a class is not closed") }
        position += 1
        guard scalar == "\\" else { return .scalar(scalar.value) }
        if skip("b") { return .scalar(0x08) }
        let set = try escape(inClass: true)
        if !set.isInverted, set.properties.isEmpty, set.ranges.count == 1, set.ranges[0].count == 1 {
            return .scalar(set.ranges[0].lowerBound)
        }
        return .set(set)
    }

    /// Reads an escape behind its backslash.
    mutating func escape(inClass: Bool) throws(PatternError) -> ScalarSet {
        guard let scalar = next else { throw .syntax("the expression ends in a backslash") }
        position += 1
        switch scalar {
        case "d": return .digits
        case "D": return .digits.inverted()
        case "w": return .word
        case "W": return .word.inverted()
        case "s": return .space
        case "S": return .space.inverted()
        case "p": return try property()
        case "P": return try property().inverted()
        case "t": return ScalarSet(0x09)
        case "n": return ScalarSet(0x0A)
        case "v": return ScalarSet(0x0B)
        case "f": return ScalarSet(0x0C)
        case "r": return ScalarSet(0x0D)
        case "c": return ScalarSet(try controlLetter())
        case "x": return ScalarSet(try hexadecimal(digits: 2))
        case "u": return ScalarSet(try codePoint())
        case "0":
            if let next, Self.digit(next, radix: 10) != nil { throw .syntax("octal escapes do not exist") }
            return ScalarSet(0)
        case "1"..."9", "k": throw .unsupported("back-references are")
        case "a"..."z", "A"..."Z": throw .syntax("unknown escape \"\\\(scalar)\"")
        default: return ScalarSet(scalar.value)
        }
    }

    private mutating func controlLetter() throws(PatternError) -> UInt32 {
        guard let letter = next, letter.isASCII, letter.properties.isAlphabetic else {
            throw .syntax("\"\\c\" needs a letter")
        }
        position += 1
        return letter.value % 32
    }

    private mutating func hexadecimal(digits: Int) throws(PatternError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let next, let digit = Self.digit(next, radix: 16) else {
                throw .syntax("an escape needs \(digits) hexadecimal digits")
            }
            value = value * 16 + digit
            position += 1
        }
        return value
    }

    /// Reads what follows `\u`: `{…}`, four digits, or a surrogate pair.
    private mutating func codePoint() throws(PatternError) -> UInt32 {
        if skip("{") {
            var value: UInt32 = 0
            let start = position
            while let next, let digit = Self.digit(next, radix: 16) {
                value = value * 16 + digit
                guard value <= ScalarSet.lastScalar else { throw .syntax("a code point is too large") }
                position += 1
            }
            guard position > start, skip("}") else { throw .syntax("invalid escape \"\\u{\"") }
            return value
        }
        let high = try hexadecimal(digits: 4)
        let afterHigh = position
        guard (0xD800...0xDBFF).contains(high), skip("\\u"), next != "{" else {
            position = afterHigh
            return high
        }
        let low = try hexadecimal(digits: 4)
        guard (0xDC00...0xDFFF).contains(low) else {
            position = afterHigh
            return high
        }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func property() throws(PatternError) -> ScalarSet {
        guard skip("{") else { throw .syntax("\"\\p\" needs a name in braces") }
        var name = String.UnicodeScalarView()
        while let scalar = next, scalar != "}" {
            name.append(scalar)
            position += 1
        }
        guard skip("}") else { throw .syntax("\"\\p{\" is not closed") }
        guard let property = UnicodeProperty(named: String(name)) else {
            throw .unsupported("the Unicode property \(Excerpt.quoted(String(name))) is")
        }
        var set = ScalarSet()
        set.insert(property, isInverted: false)
        return set
    }
}
