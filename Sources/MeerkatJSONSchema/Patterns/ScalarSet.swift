/// A set of code points: ranges and Unicode properties, possibly inverted.
struct ScalarSet: Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []
    private(set) var properties: [(property: UnicodeProperty, isInverted: Bool)] = []
    var isInverted = false
    /// Membership of the code points below 128, inversion included.
    private var ascii: (low: UInt64, high: UInt64) = (0, 0)

    static let lastScalar: UInt32 = 0x10FFFF

    init(_ ranges: [ClosedRange<UInt32>] = [], isInverted: Bool = false) {
        self.ranges = ranges
        self.isInverted = isInverted
    }

    init(_ scalar: UInt32) { ranges = [scalar...scalar] }

    mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }

    mutating func insert(_ property: UnicodeProperty, isInverted: Bool) {
        properties.append((property, isInverted))
    }

    /// Adds the members of a set that has no properties.
    mutating func insert(rangesOf other: ScalarSet) {
        ranges += other.isInverted ? Self.complement(of: other.ranges) : other.ranges
    }

    /// Sorts the ranges for searching and fills the table of ASCII members.
    mutating func prepare() {
        ranges = Self.merged(ranges)
        ascii = (0, 0)
        for scalar: UInt32 in 0..<64 where containsSlowly(scalar) { ascii.low |= 1 << UInt64(scalar) }
        for scalar: UInt32 in 64..<128 where containsSlowly(scalar) { ascii.high |= 1 << UInt64(scalar - 64) }
    }

    /// Whether a code point belongs to the set, which has been prepared.
    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return ascii.low >> UInt64(scalar) & 1 == 1 }
        if scalar < 128 { return ascii.high >> UInt64(scalar - 64) & 1 == 1 }
        return containsSlowly(scalar)
    }

    private func containsSlowly(_ scalar: UInt32) -> Bool {
        (isInRanges(scalar) || hasProperty(scalar)) != isInverted
    }

    private func isInRanges(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(scalar)
    }

    private func hasProperty(_ scalar: UInt32) -> Bool {
        guard !properties.isEmpty, let scalar = Unicode.Scalar(scalar) else { return false }
        return properties.contains { $0.property.holds(for: scalar) != $0.isInverted }
    }

    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private static func complement(of ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in merged(ranges) {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= lastScalar { gaps.append(next...lastScalar) }
        return gaps
    }
}

extension ScalarSet {
    static let digits = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// What `.` stands for: everything except line ends.
    static let noLineEnd = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isInverted: true)

    func inverted(_ isInverted: Bool = true) -> ScalarSet {
        var set = self
        if isInverted { set.isInverted.toggle() }
        return set
    }
}
