import MeerkatJSON

/// A JSON number without rounding: ±0.d₁d₂d₃… × 10^exponent with d₁ ≠ 0.
///
/// Every number has one representation, so equality of the members is equality of the numbers. Exponents beyond ±10¹⁵
/// are taken for ±10¹⁵.
struct ExactDecimal: Hashable, Sendable {
    /// False for zero.
    let isNegative: Bool
    /// The first eighteen significant digits, filled up with zeros on the right; 0 only for zero.
    let head: UInt64
    /// The digits behind them, not ending in 0.
    let tail: [UInt8]
    let exponent: Int

    static let headDigits = 18
    private static let exponentLimit = 1_000_000_000_000_000

    init(_ number: JSONNumber) {
        var head: UInt64 = 0
        var headCount = 0
        var tail: [UInt8] = []
        var isNegative = false
        var hasPoint = false
        var point = 0
        var exponent = 0
        var exponentSign = 1
        var isInExponent = false
        for byte in number.text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): if isInExponent { exponentSign = -1 } else { isNegative = true }
            case UInt8(ascii: "+"): break
            case UInt8(ascii: "."): hasPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isInExponent = true
            default:
                let digit = byte &- UInt8(ascii: "0")
                if isInExponent {
                    exponent = min(exponent * 10 + Int(digit), Self.exponentLimit)
                } else if headCount == 0, digit == 0 {
                    if hasPoint { point -= 1 }
                } else {
                    if !hasPoint { point += 1 }
                    if headCount < Self.headDigits {
                        head = head * 10 + UInt64(digit)
                        headCount += 1
                    } else {
                        tail.append(digit)
                    }
                }
            }
        }
        while tail.last == 0 { tail.removeLast() }
        self.isNegative = isNegative && head != 0
        self.head = head * Self.power(Self.headDigits - headCount)
        self.tail = tail
        self.exponent = head == 0 ? 0 : point + exponentSign * exponent
    }

    var isZero: Bool { head == 0 }

    /// Whether there is nothing behind the decimal point.
    var isInteger: Bool { isZero || digitCount <= exponent }

    /// Significant digits, zeros at the end not counted.
    var digitCount: Int {
        guard tail.isEmpty else { return Self.headDigits + tail.count }
        var count = Self.headDigits
        var rest = head
        while count > 0, rest % 10 == 0 {
            rest /= 10
            count -= 1
        }
        return count
    }

    /// The value as a count, cut at the largest one; nil when it is negative or not whole.
    var count: Int? {
        guard !isNegative, isInteger else { return nil }
        guard exponent > 0 else { return 0 }
        return exponent > Self.headDigits ? Int.max : Int(head / Self.power(Self.headDigits - exponent))
    }

    static func power(_ exponent: Int) -> UInt64 {
        var result: UInt64 = 1
        for _ in 0..<exponent { result *= 10 }
        return result
    }
}

extension ExactDecimal: Comparable {
    static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative ? right.isSmaller(than: left) : left.isSmaller(than: right)
    }

    /// Compares without regard to the signs.
    private func isSmaller(than other: ExactDecimal) -> Bool {
        if isZero || other.isZero { return isZero && !other.isZero }
        if exponent != other.exponent { return exponent < other.exponent }
        if head != other.head { return head < other.head }
        return tail.lexicographicallyPrecedes(other.tail)
    }
}
