public import MeerkatJSON

/// An amount of money, exact to a millionth of a millionth of a dollar.
///
/// As JSON it is a number of dollars with as many decimals as it needs.
public struct USDollars: Sendable, Hashable, Comparable {
    /// Millionths of a millionth of a dollar.
    public var picodollars: UInt64

    public init(picodollars: UInt64) {
        self.picodollars = picodollars
    }

    public static let zero = USDollars(picodollars: 0)
    private static let decimals = 12

    public static func < (left: USDollars, right: USDollars) -> Bool { left.picodollars < right.picodollars }

    /// The sum, or the largest amount when it does not fit.
    public static func + (left: USDollars, right: USDollars) -> USDollars {
        let (sum, overflow) = left.picodollars.addingReportingOverflow(right.picodollars)
        return USDollars(picodollars: overflow ? .max : sum)
    }

    /// The difference, or nothing when `right` is more.
    public static func - (left: USDollars, right: USDollars) -> USDollars {
        USDollars(picodollars: left.picodollars - min(left.picodollars, right.picodollars))
    }

    /// The product, or the largest amount when it does not fit.
    public static func * (price: USDollars, count: UInt64) -> USDollars {
        let (product, overflow) = price.picodollars.multipliedReportingOverflow(by: count)
        return USDollars(picodollars: overflow ? .max : product)
    }

    /// Millionths of a dollar, rounded up.
    public var microdollars: Int { Int(picodollars / 1_000_000) + (picodollars % 1_000_000 > 0 ? 1 : 0) }

    /// Reads a plain decimal number such as `0.25`; nil for other forms, negative numbers and more than 12 decimals.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.utf8.count <= Self.decimals, parts.allSatisfy({ $0.utf8.allSatisfy(Self.isDigit) }),
            !parts[0].isEmpty, parts.count == 1 || !fraction.isEmpty,
            let amount = UInt64(
                String(parts[0]) + fraction + String(repeating: "0", count: Self.decimals - fraction.utf8.count))
        else { return nil }
        picodollars = amount
    }

    /// The price of one of a million things that cost so much together; nil for what is no plain decimal number.
    public init?(perMillion text: String) {
        guard let price = USDollars(text)?.perMillionth else { return nil }
        self = price
    }

    /// A millionth of the amount, rounded to what an amount can hold.
    public var perMillionth: USDollars { USDollars(picodollars: picodollars.addingClamped(500_000) / 1_000_000) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The number of dollars as decimal text.
    public var text: String {
        let scale: UInt64 = 1_000_000_000_000
        var fraction = String(picodollars % scale)
        guard fraction != "0" else { return String(picodollars / scale) }
        fraction = String(repeating: "0", count: Self.decimals - fraction.utf8.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        return "\(picodollars / scale).\(fraction)"
    }
}

extension USDollars: CustomStringConvertible {
    public var description: String { "$" + text }
}

extension USDollars: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        let start = reader.position
        let number = try reader.readNumber()
        // An exponent or many decimals are rounded to what an amount can hold.
        if let exact = USDollars(number.text) {
            self = exact
        } else if let value = number.double, value >= 0, value < 18_000_000 {
            picodollars = UInt64(clamping: (value * 1e12).rounded())
        } else {
            throw JSONError(.numberOutOfRange, offset: start)
        }
    }

    public func write(to writer: inout JSONWriter) { writer.bytes.append(contentsOf: text.utf8) }
}
