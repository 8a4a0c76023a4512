extension FixedWidthInteger {
    /// The integer part of `value`, or the nearest integer of this type; 0 for a value that is not a number.
    ///
    /// Other conversions of floating-point values end the process when the value does not fit.
    package init(clamping value: Double) {
        if value >= Double(Self.max) {
            self = .max
        } else if value <= Double(Self.min) {
            self = .min
        } else {
            self = value.isNaN ? 0 : Self(value)  // in range
        }
    }
}

extension FixedWidthInteger {
    /// The product, or the nearest integer of this type.
    package func multipliedClamped(by other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }
}

extension UInt64 {
    /// The sum, or the largest number when it does not fit: a provider may report nonsense.
    package func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The difference, or 0 when `other` is more: clocks may disagree.
    package func subtractingClamped(_ other: UInt64) -> UInt64 { self - Swift.min(self, other) }
}

extension Duration {
    /// Whole milliseconds, or the nearest number that fits.
    package var clampedMilliseconds: Int64 { clamped(unitsPerSecond: 1000) }

    /// Whole nanoseconds, or the nearest number that fits.
    package var clampedNanoseconds: Int64 { clamped(unitsPerSecond: 1_000_000_000) }

    private func clamped(unitsPerSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: units)
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / (1_000_000_000_000_000_000 / units))
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
