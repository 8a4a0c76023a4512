import MeerkatJSON
import Testing

@Suite struct Numbers {
    // MARK: Grammar

    @Test(
        arguments: [
            "0", "-0", "1", "-1", "10", "1234567890", "123456789012345678901234567890", "0.0", "-0.0", "0.5", "1.50",
            "1.000000000000000000000000000001", "1e5", "1E5", "1e+5", "1e-5", "1E+05", "0e0", "-0e-0", "0E+00", "1e400",
            "-1e400", "1e-400", "1.5e300", "9007199254740993", "100e00000000000000000000000001",
        ])
    func theTextSurvivesARoundTrip(text: String) throws {
        let value = try JSONValue(text: text)
        #expect(value.jsonText == text)
        guard case .number(let number) = value else {
            Issue.record("not a number")
            return
        }
        #expect(number.text == text)
        let nested = #"{"a":[\#(text),\#(text)],"b":\#(text)}"#
        #expect(try JSONValue(text: nested).jsonText == nested)
        for reading in Reading.allCases { #expect(reading.error(text) == nil, "\(reading)") }
    }

    @Test(
        arguments: [
            Refusal("-", .unexpectedEnd, at: 1),
            Refusal("--1", .invalidNumber, at: 0),
            Refusal("- 1", .invalidNumber, at: 0),
            Refusal("-a", .invalidNumber, at: 0),
            Refusal("-.5", .invalidNumber, at: 0),
            Refusal("-Infinity", .invalidNumber, at: 0),
            Refusal("00", .invalidNumber, at: 0),
            Refusal("01", .invalidNumber, at: 0),
            Refusal("-01", .invalidNumber, at: 0),
            Refusal("01.5", .invalidNumber, at: 0),
            Refusal("1.", .invalidNumber, at: 0),
            Refusal("1. ", .invalidNumber, at: 0),
            Refusal("1.e3", .invalidNumber, at: 0),
            Refusal("1.-5", .invalidNumber, at: 0),
            Refusal("1e", .invalidNumber, at: 0),
            Refusal("1E+", .invalidNumber, at: 0),
            Refusal("1e-", .invalidNumber, at: 0),
            Refusal("1e+-1", .invalidNumber, at: 0),
            Refusal("1e.5", .invalidNumber, at: 0),
            Refusal("0e", .invalidNumber, at: 0),
            Refusal("1.5e", .invalidNumber, at: 0),
            Refusal("1e1.5", .trailingBytes, at: 3),
            Refusal("1e5e5", .trailingBytes, at: 3),
            Refusal("1.5.5", .trailingBytes, at: 3),
            Refusal("0x10", .trailingBytes, at: 1),
            Refusal("1_000", .trailingBytes, at: 1),
            Refusal("1,000", .trailingBytes, at: 1),
            Refusal("1f", .trailingBytes, at: 1),
            Refusal("1+1", .trailingBytes, at: 1),
            Refusal("1-1", .trailingBytes, at: 1),
            Refusal("+1", byteAt: 0),
            Refusal(".5", byteAt: 0),
            Refusal("\u{FF11}", byteAt: 0),
            Refusal("1\u{0661}", .trailingBytes, at: 1),
            Refusal("[1, 02]", .invalidNumber, at: 4, path: "1"),
            Refusal(#"{"a":-}"#, .invalidNumber, at: 5, path: "a"),
        ], Reading.allCases)
    func theGrammarIsStrict(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    // MARK: Integers

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min), ("9007199254740993", 9_007_199_254_740_993),
        ])
    func aWholeNumberIsExact(text: String, value: Int64) throws {
        #expect(try Int64(json: Array(text.utf8)) == value)
        #expect(try Int(json: Array(text.utf8)) == Int(value))
        #expect(try JSONValue(text: text).int == Int(value))
    }

    @Test(
        arguments: [
            "9223372036854775808", "-9223372036854775809", "9223372036854775810", "18446744073709551616",
            "123456789012345678901234567890", "-123456789012345678901234567890",
        ])
    func aWholeNumberThatDoesNotFitIsOutOfRange(text: String) throws {
        #expect(throws: JSONError(.numberOutOfRange, offset: 1)) { try Int64(json: Array(" \(text)".utf8)) }
        #expect(throws: JSONError(.numberOutOfRange, offset: 1)) { try Int(json: Array(" \(text)".utf8)) }
        #expect(try JSONValue(text: text).int == nil)
    }

    @Test func unsignedIntegersHaveTheirOwnRange() throws {
        #expect(try UInt64(json: Array("18446744073709551615".utf8)) == .max)
        #expect(try UInt64(json: Array("-0".utf8)) == 0)
        for text in ["18446744073709551616", "-1", "-18446744073709551615"] {
            #expect(throws: JSONError(.numberOutOfRange)) { try UInt64(json: Array(text.utf8)) }
        }
    }

    @Test func theRangeIsThatOfTheTypeAskedFor() throws {
        func read<T: FixedWidthInteger>(_ text: String, as type: T.Type) throws(JSONError) -> T {
            try JSONReader.read(Array(text.utf8)) { (reader) throws(JSONError) in try reader.readInteger(type) }
        }
        #expect(try read("127", as: Int8.self) == 127)
        #expect(try read("-128", as: Int8.self) == -128)
        #expect(try read("255", as: UInt8.self) == 255)
        #expect(try read("-170141183460469231731687303715884105728", as: Int128.self) == .min)
        #expect(throws: JSONError(.numberOutOfRange)) { try read("128", as: Int8.self) }
        #expect(throws: JSONError(.numberOutOfRange)) { try read("-129", as: Int8.self) }
        #expect(throws: JSONError(.numberOutOfRange)) { try read("256", as: UInt8.self) }
    }

    @Test(arguments: [
        ("1.0", 1), ("1e3", 1000), ("1E3", 1000), ("-0.0", 0), ("0e0", 0), ("9007199254740992.0", 1 << 53),
        ("-12.50e1", -125), ("1." + String(repeating: "0", count: 5000), 1),
        ("0.0001e4", 1), ("0e999999999999999999999", 0),
    ])
    func aWholeNumberMayHaveAFractionOrAnExponent(text: String, value: Int) throws {
        #expect(try Int(json: Array(text.utf8)) == value)
        #expect(try JSONValue(text: text).int == value)
    }

    @Test(arguments: [
        "1.5", "-25e-1", "0.1", "1e-400", "1." + String(repeating: "0", count: 5000) + "1",
    ])
    func aPartOfOneIsNoInteger(text: String) throws {
        let error = JSONError(.typeMismatch(expected: "an integer"), offset: 2)
        #expect(throws: error) { try Int(json: Array("  \(text)".utf8)) }
        #expect(try JSONValue(text: text).int == nil)
    }

    @Test(arguments: ["1e400", "1e300", "9007199254740993.0", "9007199254740994.0"])
    func aFractionOrExponentBeyondADoubleIsOutOfRange(text: String) throws {
        #expect(throws: JSONError(.numberOutOfRange, offset: 0)) { try Int(json: Array(text.utf8)) }
        #expect(try JSONValue(text: text).int == nil)
    }

    @Test(arguments: [Int64.min, -1_000_000, -10, -9, -1, 0, 1, 9, 10, 99, 100, 1_234_567_890, Int64.max])
    func integersAreWrittenInDecimal(value: Int64) throws {
        #expect(value.jsonText == value.description)
        #expect(JSONNumber(value).text == value.description)
        #expect(try Int64(json: value.jsonBytes) == value)
    }

    @Test func integersOfEveryWidthAreWritten() {
        func text(_ value: some FixedWidthInteger) -> String {
            var writer = JSONWriter()
            writer.writeInteger(value)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        #expect(text(Int8.min) == "-128")
        #expect(text(UInt8.max) == "255")
        #expect(text(UInt64.max) == "18446744073709551615")
        #expect(text(Int128.min) == "-170141183460469231731687303715884105728")
        #expect(text(UInt128.max) == "340282366920938463463374607431768211455")
    }

    // MARK: Doubles

    @Test(
        arguments: [
            (0.0, "0"), (-0.0, "-0.0"), (1, "1"), (-1, "-1"), (0.1, "0.1"),
            (0.30000000000000004, "0.30000000000000004"),
            (1.0 / 3, "0.3333333333333333"), (100, "100"), (123456.789, "123456.789"), (1e-5, "1e-05"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_991, "9007199254740991"), (-9_007_199_254_740_991, "-9007199254740991"), (1e16, "1e+16"),
            (-0x1p63, "-9.223372036854776e+18"), (0x1p63, "9.223372036854776e+18"),
            (.leastNonzeroMagnitude, "5e-324"), (.leastNormalMagnitude, "2.2250738585072014e-308"),
            (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        ])
    func aDoubleIsWrittenWithTheShortestTextThatReadsBack(value: Double, text: String) throws {
        #expect(value.jsonText == text)
        let back = try Double(json: Array(text.utf8))
        #expect(back.bitPattern == value.bitPattern)
        for reading in Reading.allCases { #expect(reading.error(text) == nil, "\(reading)") }
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan, .signalingNaN])
    func whatIsNotFiniteIsWrittenAsNull(value: Double) {
        #expect(value.jsonText == "null")
        #expect([value, 1].jsonText == "[null,1]")
        #expect(JSONNumber(value) == nil)
    }

    @Test(arguments: [
        ("1.50", 1.5), ("1e2", 100), ("-0", -0.0), ("1e-400", 0),
        ("123456789012345678901234567890", 1.2345678901234568e29),
    ])
    func aDoubleIsTheNearestValue(text: String, value: Double) throws {
        #expect(try Double(json: Array(text.utf8)).bitPattern == value.bitPattern)
        #expect(try JSONValue(text: text).double?.bitPattern == value.bitPattern)
    }

    @Test(arguments: ["1e400", "-1e400", "1e999999999999999999999"])
    func aDoubleThatWouldBeInfiniteIsOutOfRange(text: String) throws {
        #expect(throws: JSONError(.numberOutOfRange, offset: 1)) { try Double(json: Array(" \(text)".utf8)) }
        #expect(try JSONValue(text: text).double == nil)
    }

    @Test func randomDoublesReadBackExactly() throws {
        var random = SeededGenerator(seed: 17)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let back = try Double(json: value.jsonBytes)
            #expect(back.bitPattern == value.bitPattern)
        }
    }

    @Test func randomIntegersReadBackExactly() throws {
        var random = SeededGenerator(seed: 18)
        for _ in 0..<20_000 {
            let value = Int64(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random))
            #expect(try Int64(json: value.jsonBytes) == value)
        }
    }
}
