import MeerkatJSON
import Testing

@Suite struct RoundTrips {
    /// Enough to meet every kind in every place; a failure names the seed that repeats it.
    @Test(arguments: UInt64(0)..<400)
    func aValueReadsBackEqual(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = random.value(depth: 6)
        let bytes = value.jsonBytes
        let back = try JSONValue(json: bytes)
        #expect(back == value)
        #expect(back.hashValue == value.hashValue)
        #expect(back.jsonBytes == bytes)
        #expect(try RawJSON(bytes).bytes == bytes)
        for reading in Reading.allCases { #expect(reading.error(bytes) == nil, "\(reading)") }
    }

    @Test(arguments: UInt64(1000)..<1200)
    func aValueReadsBackEqualWithOtherSpacingAndEscapes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = random.value(depth: 5)
        let bytes = Array(random.spelling(of: value).utf8)
        #expect(try JSONValue(json: bytes) == value)
        #expect(try RawJSON(bytes).value() == value)
        for reading in Reading.allCases { #expect(reading.error(bytes) == nil, "\(reading)") }
    }

    @Test(arguments: UInt64(2000)..<2200)
    func aDamagedTextIsAcceptedByEveryReaderOrByNone(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let original = random.value(depth: 4).jsonBytes
        for _ in 0..<50 {
            var bytes = original
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(bytes[Int.random(in: bytes.indices, using: &random)], at: place)
            default: bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            let expected = Reading.tree.error(bytes)
            for reading in Reading.allCases { #expect(reading.error(bytes) == expected, "\(reading)") }
        }
    }
}

extension SeededGenerator {
    /// One of the many texts that mean `value`: random white space, characters escaped at random.
    mutating func spelling(of value: JSONValue) -> String {
        let text =
            switch value {
            case .string(let string): spelling(of: string)
            case .array(let elements):
                "[" + elements.map { spelling(of: $0) }.joined(separator: ",") + space() + "]"
            case .object(let object):
                "{"
                    + object.members.map { space() + spelling(of: $0.name) + space() + ":" + spelling(of: $0.value) }
                    .joined(separator: ",") + space() + "}"
            default: value.jsonText
            }
        return space() + text + space()
    }

    private mutating func spelling(of string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<4, using: &self) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self))
                    text += #"\u"# + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    private mutating func space() -> String {
        ["", "", "", " ", "\n", "\r\n", "\t"][Int.random(in: 0..<7, using: &self)]
    }
}
