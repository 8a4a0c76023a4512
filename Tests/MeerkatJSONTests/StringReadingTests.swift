import MeerkatJSON
import Testing

@Suite struct StringReading {
    @Test(
        arguments: [
            (#""""#, ""),
            (#"" ""#, " "),
            (#""abc""#, "abc"),
            (#""/""#, "/"),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\\n""#, "\\n"),
            (#""\\\"""#, "\\\""),
            (#""\\u0041""#, "\\u0041"),
            (#""\u0041\u00e9\u00E9\u20AC""#, "Aéé€"),
            (#""\u0000""#, "\0"),
            (#""\u001f\u007F""#, "\u{1F}\u{7F}"),
            (#""\u0022\u005c\u002F""#, "\"\\/"),
            (#""\uabcd\uABCD\uaBcD""#, "\u{ABCD}\u{ABCD}\u{ABCD}"),
            (#""\uFEFF\uFFFE\uFFFF""#, "\u{FEFF}\u{FFFE}\u{FFFF}"),
            (#""\uD7FF\uE000""#, "\u{D7FF}\u{E000}"),
            (
                "\"\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\"",
                "\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}"
            ),
            ("\"\u{10000}\u{1F600}\u{10FFFF}\"", "\u{10000}\u{1F600}\u{10FFFF}"),
            ("\"\u{2028}\u{2029}\u{85}\u{FEFF}\"", "\u{2028}\u{2029}\u{85}\u{FEFF}"),
            ("\"e\u{301} \u{E9}\"", "e\u{301} \u{E9}"),
        ])
    func aStringIsRead(text: String, value: String) throws {
        try expect(Array(text.utf8), toReadAs: value)
    }

    // MARK: Surrogates

    @Test(
        arguments: [
            (#""\ud800\udc00""#, "\u{10000}"),
            (#""\uD83D\uDE00""#, "\u{1F600}"),
            (#""\udbff\udfff""#, "\u{10FFFF}"),
            (#""a\ud83d\ude00b\ud83d\ude01""#, "a\u{1F600}b\u{1F601}"),
        ])
    func aSurrogatePairIsOneCharacter(text: String, value: String) throws {
        try expect(Array(text.utf8), toReadAs: value)
    }

    @Test(
        arguments: [
            (#""\ud800""#, "\u{FFFD}"),
            (#""\udbff""#, "\u{FFFD}"),
            (#""\udc00""#, "\u{FFFD}"),
            (#""\udfff""#, "\u{FFFD}"),
            (#""a\ud800b""#, "a\u{FFFD}b"),
            (#""\ud800\n""#, "\u{FFFD}\n"),
            (#""\ud800\u0041""#, "\u{FFFD}A"),
            (#""\ud800\\udc00""#, "\u{FFFD}\\udc00"),
            (#""\ud800 \udc00""#, "\u{FFFD} \u{FFFD}"),
            (#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"),
            (#""\ud800\ud800""#, "\u{FFFD}\u{FFFD}"),
            (#""\ud800\ud800\udc00""#, "\u{FFFD}\u{10000}"),
            (#""\ud800\udc00\udc00""#, "\u{10000}\u{FFFD}"),
            (#""\ud800\ue000""#, "\u{FFFD}\u{E000}"),
            (#""\ud800\udbff""#, "\u{FFFD}\u{FFFD}"),
        ])
    func aLoneSurrogateReadsAsTheReplacementCharacter(text: String, value: String) throws {
        try expect(Array(text.utf8), toReadAs: value)
        #expect(try RawJSON(text).text == text)
    }

    // MARK: What is refused

    @Test(
        arguments: [
            Refusal(#"""#, .unexpectedEnd, at: 1),
            Refusal(#""abc"#, .unexpectedEnd, at: 4),
            Refusal(#""abcdefghijklmnopq"#, .unexpectedEnd, at: 18),
            Refusal(#""\"#, .unexpectedEnd, at: 2),
            Refusal(#""\""#, .unexpectedEnd, at: 3),
            Refusal(#""\u"#, .unexpectedEnd, at: 3),
            Refusal(#""\u004"#, .unexpectedEnd, at: 6),
            Refusal(#""\u0041"#, .unexpectedEnd, at: 7),
            Refusal(#""\a""#, .invalidEscape, at: 1),
            Refusal(#""\x41""#, .invalidEscape, at: 1),
            Refusal(#""\'""#, .invalidEscape, at: 1),
            Refusal(#""\0""#, .invalidEscape, at: 1),
            Refusal(#""\N""#, .invalidEscape, at: 1),
            Refusal(#""\U0041""#, .invalidEscape, at: 1),
            Refusal("\"\\\n\"", .invalidEscape, at: 1),
            Refusal("\"\\é\"", .invalidEscape, at: 1),
            Refusal(#""ab\ ""#, .invalidEscape, at: 3),
            Refusal(#""\u{41}""#, .invalidEscape, at: 3),
            Refusal(#""\u+041""#, .invalidEscape, at: 3),
            Refusal(#""\u 041""#, .invalidEscape, at: 3),
            Refusal(#""\u0x41""#, .invalidEscape, at: 4),
            Refusal(#""\u00g1""#, .invalidEscape, at: 5),
            Refusal(#""\u004\"""#, .invalidEscape, at: 6),
            Refusal(#""\u004G""#, .invalidEscape, at: 6),
            Refusal(#""\ud800\u""#, .invalidEscape, at: 9),
            Refusal(#"["\u12", "abc"]"#, .invalidEscape, at: 6, path: "0"),
        ], Reading.allCases)
    func onlyTheEscapesOfTheGrammarAreAccepted(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(
        arguments: [
            Refusal(#""\u""#, .invalidEscape, at: 3),
            Refusal(#""\u1""#, .invalidEscape, at: 4),
            Refusal(#""\u12""#, .invalidEscape, at: 5),
            Refusal(#""\u123""#, .invalidEscape, at: 6),
            Refusal(#""\ug"#, .invalidEscape, at: 3),
        ], Reading.allCases)
    func anEscapeCutShortByTheQuoteIsNotTheEndOfTheText(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(arguments: UInt8(0)..<0x20)
    func aControlCharacterHasToBeEscaped(byte: UInt8) {
        for length in 0...17 {
            let filler = [UInt8](repeating: UInt8(ascii: "a"), count: length)
            let text = [UInt8(ascii: "\"")] + filler + [byte] + filler + [UInt8(ascii: "\"")]
            for reading in Reading.allCases {
                #expect(reading.error(text) == JSONError(.controlCharacter, offset: 1 + length))
            }
        }
    }

    /// Sequences that RFC 3629 does not allow.
    static let brokenUTF8: [[UInt8]] = [
        // A continuation byte without a lead byte.
        [0x80], [0xBF], [0x80, 0x80],
        // Lead bytes that exist in no sequence.
        [0xC0, 0x80], [0xC1, 0xBF], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        // Overlong forms.
        [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF], [0xF0, 0x80, 0x80, 0xAF], [0xF0, 0x8F, 0xBF, 0xBF],
        // Surrogates.
        [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
        // Beyond U+10FFFF.
        [0xF4, 0x90, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF],
        // A sequence interrupted by the next character.
        [0xC3], [0xC3, 0x41], [0xE2], [0xE2, 0x82], [0xE2, 0x82, 0x41], [0xE2, 0x41, 0xAC], [0xF0, 0x9F, 0x98],
        [0xF0, 0x9F, 0x98, 0x41], [0xF0, 0x9F, 0x41, 0x80], [0xC3, 0xC3, 0xA9], [0xE2, 0x82, 0xE2, 0x82, 0xAC],
    ]

    @Test(arguments: brokenUTF8)
    func brokenUTF8IsRefusedWhereverItStands(sequence: [UInt8]) {
        for length in 0...17 {
            let filler = [UInt8](repeating: UInt8(ascii: "a"), count: length)
            let text = [UInt8(ascii: "\"")] + filler + sequence + filler + [UInt8(ascii: "\"")]
            for reading in Reading.allCases {
                #expect(reading.error(text) == JSONError(.invalidUTF8, offset: 1 + length))
            }
        }
    }

    @Test(arguments: brokenUTF8)
    func brokenUTF8IsRefusedInNames(sequence: [UInt8]) {
        let text = Array(#"{"a"#.utf8) + sequence + Array(#"":1}"#.utf8)
        for reading in Reading.allCases {
            #expect(reading.error(text) == JSONError(.invalidUTF8, offset: 3))
        }
    }

    @Test(arguments: ["é", "€", "\u{1F600}"])
    func aSequenceCutByTheEndOfTheTextIsRefused(character: String) {
        for kept in 1..<character.utf8.count {
            for reading in Reading.allCases {
                let error = reading.error(Array("\"a".utf8) + character.utf8.prefix(kept))
                #expect(error == JSONError(.invalidUTF8, offset: 2))
            }
        }
    }

    /// All characters of the basic plane, samples of the others.
    static let characters = Array(0...0xFFFF) + Array(stride(from: UInt32(0x10000), through: 0x10FFFF, by: 31))

    @Test func everyCharacterIsReadBothPlainAndEscaped() throws {
        for value in Self.characters {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            if value >= 0x20, scalar != "\"", scalar != "\\" {
                let plain = try String(json: [0x22] + Array(text.utf8) + [0x22])
                if !isIdentical(plain, text) { Issue.record("U+\(String(value, radix: 16)) read as \(plain)") }
            }
            let units = text.utf16.map { unit in
                #"\u"# + String(repeating: "0", count: unit.leadingZeroBitCount / 4)
                    + (unit == 0 ? "" : String(unit, radix: 16))
            }
            let escaped = try String(json: Array("\"\(units.joined())\"".utf8))
            if !isIdentical(escaped, text) { Issue.record("U+\(String(value, radix: 16)) read as \(escaped)") }
        }
    }

    // MARK: Word boundaries

    /// Characters that end or interrupt plain ASCII text, as they are written.
    static let special: [(source: String, value: String)] = [
        (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\n"#, "\n"), (#"\u0041"#, "A"), (#"\u00e9"#, "é"),
        (#"\ud83d\ude00"#, "\u{1F600}"), (#"\ud800"#, "\u{FFFD}"), ("é", "é"), ("€", "€"), ("\u{1F600}", "\u{1F600}"),
        ("\u{7F}", "\u{7F}"), ("\u{80}", "\u{80}"), (" ", " "), ("!", "!"), ("#", "#"), ("[", "["), ("]", "]"),
    ]

    @Test(arguments: special)
    func aSpecialCharacterIsReadAtEveryPosition(source: String, value: String) throws {
        for before in 0...17 {
            for after in 0...9 {
                let (head, tail) = (String(repeating: "a", count: before), String(repeating: "b", count: after))
                try expect(Array("\"\(head)\(source)\(tail)\"".utf8), toReadAs: head + value + tail)
                try expect(Array("\"\(head)\(source)\(source)\(tail)\"".utf8), toReadAs: head + value + value + tail)
            }
        }
    }

    @Test(arguments: 0...40)
    func theClosingQuoteIsFoundAtEveryPosition(length: Int) throws {
        let value = String(repeating: "a", count: length)
        try expect(Array("\"\(value)\"".utf8), toReadAs: value)
        #expect(try JSONValue(text: "[\"\(value)\",\"\(value)\"]") == [.string(value), .string(value)])
    }

    // MARK: Other ways to read a string

    @Test func aStringIsAppendedToWhatIsThere() throws {
        var bytes = Array("kept".utf8)
        let text = #"["","plain","\u00e9\n","é","\ud83d\ude00","\ud800"]"#
        var counts: [Int] = []
        try JSONReader.read(Array(text.utf8)) { (reader) throws(JSONError) in
            try reader.readArray { (reader) throws(JSONError) in
                counts.append(try reader.readString(appendingTo: &bytes))
            }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "keptplainé\né\u{1F600}\u{FFFD}")
        #expect(counts == [0, 5, 3, 2, 4, 3])
    }

    @Test func aRefusedStringAppendsNothing() {
        var bytes = Array("kept".utf8)
        #expect(throws: JSONError(.controlCharacter, offset: 2)) {
            try JSONReader.read(Array("\"a\n\"".utf8)) { (reader) throws(JSONError) in
                try reader.readString(appendingTo: &bytes)
            }
        }
        #expect(throws: JSONError(.typeMismatch(expected: "a string"))) {
            try JSONReader.read(Array("1".utf8)) { (reader) throws(JSONError) in
                try reader.readString(appendingTo: &bytes)
            }
        }
        #expect(bytes == Array("kept".utf8))
    }

    @Test(
        arguments: [
            (#""text_delta""#, true), (#""text\u005fdelta""#, true), (#""text_delt""#, false),
            (#""text_delta_""#, false), (#""Text_delta""#, false), (#""""#, false),
        ])
    func aStringIsComparedWithALiteral(text: String, isEqual: Bool) throws {
        let result = try JSONReader.read(Array(text.utf8)) { (reader) throws(JSONError) in
            try reader.readString(is: "text_delta")
        }
        #expect(result == isEqual)
    }

    private func expect(_ text: [UInt8], toReadAs value: String) throws {
        let read = try String(json: text)
        #expect(isIdentical(read, value))
        var appended: [UInt8] = []
        let count = try JSONReader.read(text) { (reader) throws(JSONError) in
            try reader.readString(appendingTo: &appended)
        }
        #expect(appended == Array(value.utf8))
        #expect(count == appended.count)
        let raw = try RawJSON(text)
        #expect(raw.bytes == text)
        let name = try JSONObject(json: Array("{".utf8) + text + Array(":1}".utf8)).names
        #expect(name.count == 1 && isIdentical(name[0], value))
    }
}
