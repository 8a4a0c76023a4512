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
    public var int: Int? { Int(text) ?? wholeDouble.flatMap { Int(exactly: $0) } }

    /// The value of a whole number that is written with a fraction or an exponent, as far as a double is exact.
    var wholeDouble: Double? {
        guard text.utf8.contains(where: { !(0x2D...0x39).contains($0) || $0 == 0x2E }), let value = double,
            value.magnitude <= 0x1p53, value == value.rounded()
        else { return nil }
        return value
    }

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
