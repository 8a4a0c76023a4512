extension ExactDecimal {
    /// Whether a whole number times `divisor`, which is not zero, gives this number.
    ///
    /// With a = A × 10^p and b = B × 10^q, neither A nor B ending in 0, b divides a when p ≥ q and B divides
    /// A × 10^(p−q). B holds at most log₂ B factors two or five, so that more zeros than that change nothing.
    func isMultiple(of divisor: ExactDecimal) -> Bool {
        guard !isZero else { return true }
        let zeros = (exponent - digitCount) - (divisor.exponent - divisor.digitCount)
        guard zeros >= 0 else { return false }
        let usefulZeros = min(zeros, 4 * divisor.digitCount)
        if divisor.tail.isEmpty {
            let small = divisor.head / Self.power(Self.headDigits - divisor.digitCount)
            return isDivisible(by: small, afterZeros: usefulZeros)
        }
        return isDivisible(byDigits: divisor.digits, afterZeros: usefulZeros)
    }

    /// About how many steps ``isMultiple(of:)`` takes.
    func divisionCost(by divisor: ExactDecimal) -> Int {
        guard !divisor.tail.isEmpty else { return 1 + tail.count }
        let (product, overflow) = (tail.count + Self.headDigits + 4 * divisor.digitCount)
            .multipliedReportingOverflow(by: divisor.digitCount)
        return overflow ? Int.max / 2 : product
    }

    private func isDivisible(by divisor: UInt64, afterZeros zeros: Int) -> Bool {
        var remainder = (tail.isEmpty ? head / Self.power(Self.headDigits - digitCount) : head) % divisor
        for digit in tail { remainder = (remainder * 10 + UInt64(digit)) % divisor }
        for _ in 0..<zeros { remainder = remainder * 10 % divisor }
        return remainder == 0
    }

    /// Long division on decimal digits, for divisors of more than eighteen of them.
    private func isDivisible(byDigits divisor: [UInt8], afterZeros zeros: Int) -> Bool {
        var remainder = [UInt8](repeating: 0, count: divisor.count + 1)
        let padded = [0] + divisor
        for digit in digits + [UInt8](repeating: 0, count: zeros) {
            remainder.removeFirst()
            remainder.append(digit)
            while !remainder.lexicographicallyPrecedes(padded) { Self.subtract(padded, from: &remainder) }
        }
        return remainder.allSatisfy { $0 == 0 }
    }

    private static func subtract(_ digits: [UInt8], from minuend: inout [UInt8]) {
        var borrow: UInt8 = 0
        for index in minuend.indices.reversed() {
            let taken = digits[index] + borrow
            borrow = minuend[index] < taken ? 1 : 0
            minuend[index] = minuend[index] + borrow * 10 - taken
        }
    }

    /// The significant digits, the first one foremost.
    private var digits: [UInt8] {
        var digits: [UInt8] = []
        var rest = head / Self.power(Self.headDigits - min(digitCount, Self.headDigits))
        while rest > 0 {
            digits.append(UInt8(rest % 10))
            rest /= 10
        }
        return digits.reversed() + tail
    }
}
