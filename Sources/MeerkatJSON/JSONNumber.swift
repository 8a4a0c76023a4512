/// A number as its source text, so that a round trip changes nothing; it is converted on demand.
public struct JSONNumber: Hashable, Sendable {
    /// The text, a valid JSON number.
    public let text: String

    init(validated text: String) {
        self.text = text
    }

    public init(_ value: some BinaryInteger) {
        text = String(value)
    }

    /// A number for `value`, or nil when it is infinite or not a number.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = Self.text(for: value)
    }

    /// The exact value of a whole number, or nil when it is none or does not fit.
    public var int: Int? { Int(text) ?? smallInteger.flatMap { Int(exactly: $0) } }

    /// Whether the value is whole, whatever its size; `1.0` and `1e3` are.
    public var isWhole: Bool { digits.isWhole }

    /// The value of a whole number up to 2⁵³, which may be written with a fraction or an exponent.
    var smallInteger: Int64? {
        let digits = digits
        guard digits.isWhole else { return nil }
        var value: Int64 = 0
        var count = 0
        for byte in text.utf8 where byte != UInt8(ascii: "-") && byte != UInt8(ascii: ".") {
            guard count < digits.significant else { break }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            guard value <= Self.largestSmallInteger else { return nil }
            count += 1
        }
        while value > 0, count < digits.whole {
            value *= 10
            guard value <= Self.largestSmallInteger else { return nil }
            count += 1
        }
        return text.utf8.first == UInt8(ascii: "-") ? -value : value
    }

    private static let largestSmallInteger: Int64 = 1 << 53

    private var digits: Digits { Digits(of: text) }

    /// The nearest value, or nil when it would be infinite.
    public var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The shortest text that reads back as `value`; whole numbers below 2⁵³ are written without a fraction.
    static func text(for value: Double) -> String {
        guard value.magnitude < 0x1p53, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus else {
            return value.description
        }
        return String(whole)
    }
}

/// How the digits of a number lie around its decimal point.
private struct Digits {
    /// Digits before the point once the exponent has moved it; negative when zeros are missing behind it.
    var whole = 0
    /// Digits up to the last one that is not 0.
    var significant = 0

    var isWhole: Bool { significant == 0 || significant <= whole }

    init(of text: String) {
        var count = 0
        var hasPoint = false
        var isInExponent = false
        var exponent = 0
        var isNegative = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "."): hasPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isInExponent = true
            case UInt8(ascii: "-"): isNegative = isInExponent
            case UInt8(ascii: "+"): break
            default:
                let digit = Int(byte &- UInt8(ascii: "0"))
                if isInExponent {
                    // No text has as many digits as that.
                    exponent = min(exponent * 10 + digit, 1_000_000_000_000_000)
                } else {
                    count += 1
                    if !hasPoint { whole = count }
                    if digit != 0 { significant = count }
                }
            }
        }
        whole += isNegative ? -exponent : exponent
    }
}
