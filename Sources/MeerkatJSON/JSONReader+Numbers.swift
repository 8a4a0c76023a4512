extension JSONReader {
    /// Reads a number as the text it was written with.
    public mutating func readNumber() throws(JSONError) -> JSONNumber {
        guard try peek() == .number else { throw try mismatch("a number") }
        let range = try scanNumber()
        return JSONNumber(
            validated: String(
                decoding: UnsafeBufferPointer(start: base + range.lowerBound, count: range.count), as: UTF8.self))
    }

    /// Reads a whole number, which may be written as `1.0` or `1e3` as well.
    public mutating func readInteger<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(JSONError) -> T {
        guard try peek() == .number else { throw try mismatch("an integer") }
        let range = try scanNumber()
        var at = range.lowerBound
        let isNegative = base[at] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var value: T = 0
        while at < range.upperBound {
            let byte = base[at]
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                return try wholeNumber(range)
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = T(byte - UInt8(ascii: "0"))
            let (sum, carry) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw JSONError(.numberOutOfRange, offset: range.lowerBound) }
            value = sum
            at += 1
        }
        return value
    }

    private func wholeNumber<T: FixedWidthInteger>(_ range: Range<Int>) throws(JSONError) -> T {
        let text = String(
            decoding: UnsafeBufferPointer(start: base + range.lowerBound, count: range.count), as: UTF8.self)
        let number = JSONNumber(validated: text)
        guard let whole = number.smallInteger else {
            throw JSONError(
                number.isWhole ? .numberOutOfRange : .typeMismatch(expected: "an integer"), offset: range.lowerBound)
        }
        guard let value = T(exactly: whole) else { throw JSONError(.numberOutOfRange, offset: range.lowerBound) }
        return value
    }

    /// Reads a number as the nearest finite `Double`.
    public mutating func readDouble() throws(JSONError) -> Double {
        _ = try nextByte()
        let start = position
        guard let value = try readNumber().double else { throw JSONError(.numberOutOfRange, offset: start) }
        return value
    }

    /// Checks the number at the current position and moves behind it.
    mutating func scanNumber() throws(JSONError) -> Range<Int> {
        let start = position
        var at = position
        if base[at] == UInt8(ascii: "-") { at += 1 }
        guard at < end else { throw JSONError(.unexpectedEnd, offset: end) }
        let whole = digits(from: at)
        guard whole > at, whole == at + 1 || base[at] != UInt8(ascii: "0") else {
            throw JSONError(.invalidNumber, offset: start)
        }
        at = whole
        if at < end, base[at] == UInt8(ascii: ".") {
            let fraction = digits(from: at + 1)
            guard fraction > at + 1 else { throw JSONError(.invalidNumber, offset: start) }
            at = fraction
        }
        if at < end, base[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < end, base[at] == UInt8(ascii: "+") || base[at] == UInt8(ascii: "-") { at += 1 }
            let exponent = digits(from: at)
            guard exponent > at else { throw JSONError(.invalidNumber, offset: start) }
            at = exponent
        }
        position = at
        return start..<at
    }

    private func digits(from start: Int) -> Int {
        var at = start
        while at < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(base[at]) { at += 1 }
        return at
    }
}
