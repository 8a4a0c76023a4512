import MeerkatJSON
import Testing

@Suite struct Writer {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: Strings

    /// The escaping that the writer promises, one character at a time.
    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += #"\""#
            case "\\": text += #"\\"#
            case "\u{8}": text += #"\b"#
            case "\t": text += #"\t"#
            case "\n": text += #"\n"#
            case "\u{C}": text += #"\f"#
            case "\r": text += #"\r"#
            case "\0"..."\u{F}": text += #"\u000"# + String(scalar.value, radix: 16)
            case "\u{10}"..."\u{1F}": text += #"\u00"# + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    @Test(
        arguments: [
            ("", #""""#), ("abc", #""abc""#), ("\"", #""\"""#), ("\\", #""\\""#), ("/", #""/""#), ("\0", #""\u0000""#),
            ("\u{1}", #""\u0001""#), ("\u{7}", #""\u0007""#), ("\u{8}", #""\b""#), ("\t", #""\t""#), ("\n", #""\n""#),
            ("\u{B}", #""\u000b""#), ("\u{C}", #""\f""#), ("\r", #""\r""#), ("\r\n", #""\r\n""#),
            ("\u{E}", #""\u000e""#),
            ("\u{10}", #""\u0010""#), ("\u{1B}[0m", #""\u001b[0m""#), ("\u{1F}", #""\u001f""#),
            ("\u{7F}", "\"\u{7F}\""),
            ("é€\u{1F600}", "\"é€\u{1F600}\""), ("\u{2028}\u{FFFD}\u{FEFF}", "\"\u{2028}\u{FFFD}\u{FEFF}\""),
            ("</script>&'", #""</script>&'""#), ("e\u{301}\u{E9}", "\"e\u{301}\u{E9}\""),
        ])
    func aStringIsEscapedAsLittleAsTheGrammarAllows(value: String, text: String) throws {
        #expect(isIdentical(value.jsonText, text))
        #expect(isIdentical(try String(json: value.jsonBytes), value))
        #expect(isIdentical(Self.quoted(value), text))
    }

    @Test func everyCharacterReadsBack() throws {
        for value in StringReading.characters {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            let read = try String(json: text.jsonBytes)
            if !isIdentical(read, text) { Issue.record("U+\(String(value, radix: 16)) read as \(read)") }
        }
    }

    @Test(arguments: [
        "\"", "\\", "\0", "\u{1F}", "\n", " ", "!", "#", "[", "]", "\u{7F}", "\u{80}", "é", "€", "\u{1F600}",
    ])
    func aSpecialCharacterIsWrittenAtEveryPosition(special: String) {
        for before in 0...17 {
            for after in 0...9 {
                let (head, tail) = (String(repeating: "a", count: before), String(repeating: "b", count: after))
                for value in [head + special + tail, head + special + special + tail, head + special + "\"" + tail] {
                    #expect(isIdentical(value.jsonText, Self.quoted(value)))
                }
            }
        }
    }

    @Test func neighboursDoNotInfluenceEachOther() throws {
        for first in UInt8(0)..<0x80 {
            for second in UInt8(0)..<0x80 {
                let pair = String(UnicodeScalar(first)) + String(UnicodeScalar(second))
                let value = "abc" + pair + "defgh" + pair + "é" + pair
                let text = value.jsonText
                if !isIdentical(text, Self.quoted(value)) { Issue.record("\(first), \(second) written as \(text)") }
                let read = try String(json: Array(text.utf8))
                if !isIdentical(read, value) { Issue.record("\(first), \(second) read as \(read)") }
            }
        }
    }

    @Test func theInsideOfAStringIsAppendedInPieces() {
        var writer = JSONWriter()
        writer.raw("\"")
        for piece in ["a\n", "", "\"", "é"] {
            Array(piece.utf8).withUnsafeBufferPointer { writer.appendEscaped($0) }
        }
        writer.raw("\"")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #""a\n\"é""#)
    }

    // MARK: Structure

    @Test func membersAndElementsAreSeparatedByCommas() {
        let written = text { writer in
            writer.writeObject { writer in
                writer.member("null") { $0.writeNull() }
                writer.member("list") { writer in
                    writer.writeArray { writer in
                        writer.element(1)
                        writer.element("two")
                        writer.element { $0.writeObject { _ in } }
                        writer.element { $0.writeArray { _ in } }
                        writer.element([3, 4])
                        writer.element(true)
                    }
                }
                writer.member("empty") { $0.writeObject { _ in } }
                writer.member(named: "a \"name\"\n", false)
                writer.member("last", JSONValue.array([[]]))
            }
        }
        #expect(
            written
                == #"{"null":null,"list":[1,"two",{},[],[3,4],true],"empty":{},"a \"name\"\n":false,"last":[[]]}"#)
    }

    @Test(arguments: ["{", "[", ",", ":", "a{", "a[", "a,", "\\", "\"", "{,["])
    func whatAStringEndsWithDoesNotMislead(value: String) throws {
        let tree: JSONValue = [
            .string(value), .string(value), .object([value: .string(value), value + "2": 1]), .string(value),
        ]
        #expect(try JSONValue(json: tree.jsonBytes) == tree)
    }

    @Test func anAbsentMemberIsLeftOut() {
        let written = text { writer in
            writer.writeObject { writer in
                writer.member("a", Int?.none)
                writer.member("b", Int?.some(1))
                writer.member("c", String?.none)
                writer.member("d", Bool?.some(false))
            }
        }
        #expect(written == #"{"b":1,"d":false}"#)
    }

    @Test(
        arguments: [
            ("[", "[1,2"), ("[0", "[0,1,2"), ("[0,", "[0,1,2"), ("[[]", "[[],1,2"), (#"{"a":["#, #"{"a":[1,2"#),
            ("", "1,2"),
        ])
    func aWriterContinuesABuffer(start: String, end: String) {
        var writer = JSONWriter(continuing: Array(start.utf8))
        writer.element(1)
        writer.element(2)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == end)
    }

    @Test func aWriterContinuesAnObject() {
        var writer = JSONWriter(continuing: Array(#"{"a":{}"#.utf8))
        writer.member("b", 1)
        writer.member(named: "c", 2)
        writer.raw("}")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":{},"b":1,"c":2}"#)
    }

    @Test func reservedCapacityIsEmpty() {
        #expect(JSONWriter(reservingCapacity: 100).bytes.isEmpty)
    }
}
