import MeerkatJSON

/// SplitMix64: the same seed gives the same values everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SeededGenerator {
    /// A value of any kind with at most `depth` levels of arrays and objects.
    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: .integer(Int64(bitPattern: next() >> UInt64.random(in: 0..<64, using: &self)))
        case 3: JSONNumber(Double(bitPattern: next())).map(JSONValue.number) ?? .null
        case 4, 5: .string(string())
        case 6: .array((0..<count()).map { _ in value(depth: depth - 1) })
        default: .object(object(depth: depth - 1))
        }
    }

    mutating func object(depth: Int) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<count() { object[string()] = value(depth: depth) }
        return object
    }

    /// Mostly ASCII, with what has to be escaped and characters of every UTF-8 length in between.
    mutating func string() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...20, using: &self) { text.append(scalar()) }
        return String(text)
    }

    private mutating func scalar() -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x20...0x7E, 0x20...0x7E, 0...0x1F, 0x22...0x22, 0x5C...0x5C, 0x7F...0x7FF, 0x800...0xD7FF,
            0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        let range = ranges[Int.random(in: 0..<ranges.count, using: &self)]
        return Unicode.Scalar(UInt32.random(in: range, using: &self)) ?? "\u{FFFD}"
    }

    /// Small, and now and then above the size at which an object is indexed.
    private mutating func count() -> Int {
        Int.random(in: 0..<20, using: &self) == 0 ? 24 : Int.random(in: 0...5, using: &self)
    }
}
