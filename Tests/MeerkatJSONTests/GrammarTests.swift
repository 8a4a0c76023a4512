import MeerkatJSON
import Testing

@Suite struct Grammar {
    // MARK: What is accepted

    static let structures: [(String, JSONValue)] = [
        ("[]", []),
        ("{}", [:]),
        ("[[]]", [[]]),
        ("[{}]", [[:]]),
        ("[[],[]]", [[], []]),
        ("[1]", [1]),
        ("[1,2,3]", [1, 2, 3]),
        (#"[null,true,false,0,"",[],{}]"#, [nil, true, false, 0, "", [], [:]]),
        (#"{"a":1}"#, ["a": 1]),
        (#"{"a":1,"b":[2],"c":{"d":null}}"#, ["a": 1, "b": [2], "c": ["d": nil]]),
        (#"{"":0}"#, ["": 0]),
        (#"{" ":0}"#, [" ": 0]),
        (#"{"a\"b":0}"#, ["a\"b": 0]),
        (#"[{"a":[{"b":[{}]}]}]"#, [["a": [["b": [[:]]]]]]),
        // Brackets inside strings close nothing.
        (#"["]","}","[","{",",",":"]"#, ["]", "}", "[", "{", ",", ":"]),
        // Any value may stand alone.
        ("null", nil),
        ("true", true),
        ("false", false),
        ("0", 0),
        (#""""#, ""),
    ]

    @Test(arguments: structures)
    func aValueIsRead(text: String, value: JSONValue) throws {
        #expect(try JSONValue(text: text) == value)
        for reading in Reading.allCases { #expect(reading.error(text) == nil, "\(reading)") }
    }

    @Test(arguments: structures)
    func aValueIsWrittenAsItWasRead(text: String, value: JSONValue) {
        #expect(value.jsonText == text)
    }

    @Test(arguments: [" ", "\t", "\n", "\r", "\r\n", " \t\n\r ", String(repeating: " ", count: 100)])
    func whiteSpaceMayStandAroundEveryToken(space: String) throws {
        let tokens = ["{", #""a""#, ":", "[", "1", ",", "true", ",", "null", ",", #""b""#, "]", ",", #""c""#, ":"]
        let text = space + (tokens + ["{", "}", ",", #""d""#, ":", "[", "]", "}"]).joined(separator: space) + space
        #expect(try JSONValue(text: text) == ["a": [1, true, nil, "b"], "c": [:], "d": []])
        for reading in Reading.allCases { #expect(reading.error(text) == nil, "\(reading)") }
    }

    // MARK: What is refused

    @Test(
        arguments: [
            Refusal("", .unexpectedEnd, at: 0),
            Refusal(" \n", .unexpectedEnd, at: 2),
            Refusal("]", byteAt: 0),
            Refusal("}", byteAt: 0),
            Refusal(",", byteAt: 0),
            Refusal(":", byteAt: 0),
            Refusal("[]]", .trailingBytes, at: 2),
            Refusal("{}}", .trailingBytes, at: 2),
            Refusal("{}{}", .trailingBytes, at: 2),
            Refusal("{},", .trailingBytes, at: 2),
            Refusal("1 2", .trailingBytes, at: 2),
            Refusal("\"a\"\"b\"", .trailingBytes, at: 3),
            Refusal("\"a\":1", .trailingBytes, at: 3),
        ], Reading.allCases)
    func aTextIsOneValue(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(
        arguments: [
            Refusal("[", .unexpectedEnd, at: 1),
            Refusal("[ ", .unexpectedEnd, at: 2),
            Refusal("[1", .unexpectedEnd, at: 2),
            Refusal("[1,", .unexpectedEnd, at: 3, path: "1"),
            Refusal("[1,]", byteAt: 3, path: "1"),
            Refusal("[,]", byteAt: 1, path: "0"),
            Refusal("[,1]", byteAt: 1, path: "0"),
            Refusal("[1,,2]", byteAt: 3, path: "1"),
            Refusal("[1 2]", byteAt: 3),
            Refusal("[1:2]", byteAt: 2),
            Refusal("[1}", byteAt: 2),
            Refusal("[}", byteAt: 1, path: "0"),
            Refusal("[[1]", .unexpectedEnd, at: 4),
            Refusal("[[1,]]", byteAt: 4, path: "0", "1"),
            Refusal(#"["a" "b"]"#, byteAt: 5),
            Refusal("(1)", byteAt: 0),
        ], Reading.allCases)
    func arraysAreStrict(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(
        arguments: [
            Refusal("{", .unexpectedEnd, at: 1),
            Refusal(#"{"a"#, .unexpectedEnd, at: 3),
            Refusal(#"{"a""#, .unexpectedEnd, at: 4),
            Refusal(#"{"a":"#, .unexpectedEnd, at: 5, path: "a"),
            Refusal(#"{"a":1"#, .unexpectedEnd, at: 6),
            Refusal(#"{"a":1,"#, .unexpectedEnd, at: 7),
            Refusal(#"{"a":1,}"#, byteAt: 7),
            Refusal(#"{"a":}"#, byteAt: 5, path: "a"),
            Refusal(#"{"a"}"#, byteAt: 4),
            Refusal(#"{"a",1}"#, byteAt: 4),
            Refusal(#"{"a" 1}"#, byteAt: 5),
            Refusal(#"{"a"::1}"#, byteAt: 5, path: "a"),
            Refusal(#"{"a"=1}"#, byteAt: 4),
            Refusal(#"{"a":1 "b":2}"#, byteAt: 7),
            Refusal(#"{"a":1,,"b":2}"#, byteAt: 7),
            Refusal(#"{"a":1;"b":2}"#, byteAt: 6),
            Refusal(#"{"a":1]"#, byteAt: 6),
            Refusal(#"{"a":1:2}"#, byteAt: 6),
            Refusal("{,}", byteAt: 1),
            Refusal("{]", byteAt: 1),
            Refusal("{:1}", byteAt: 1),
            Refusal("{a:1}", byteAt: 1),
            Refusal("{'a':1}", byteAt: 1),
            Refusal("{1:1}", byteAt: 1),
            Refusal("{null:1}", byteAt: 1),
            Refusal(#"{["a"]:1}"#, byteAt: 1),
            Refusal(#"{"\x":1}"#, .invalidEscape, at: 2),
            Refusal(#"{"a":{"b":[0,{"c":}]}}"#, byteAt: 18, path: "a", "b", "1", "c"),
        ], Reading.allCases)
    func objectsAreStrict(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(
        arguments: [
            Refusal("n", .unexpectedEnd, at: 1),
            Refusal("nul", .unexpectedEnd, at: 3),
            Refusal("tru", .unexpectedEnd, at: 3),
            Refusal("fals", .unexpectedEnd, at: 4),
            Refusal("nil", byteAt: 1),
            Refusal("nulL", byteAt: 3),
            Refusal("trUe", byteAt: 2),
            Refusal("falsy", byteAt: 4),
            Refusal("nullx", .trailingBytes, at: 4),
            Refusal("truefalse", .trailingBytes, at: 4),
            Refusal("true1", .trailingBytes, at: 4),
            Refusal("NULL", byteAt: 0),
            Refusal("True", byteAt: 0),
            Refusal("None", byteAt: 0),
            Refusal("undefined", byteAt: 0),
            Refusal("NaN", byteAt: 0),
            Refusal("Infinity", byteAt: 0),
            Refusal("yes", byteAt: 0),
            Refusal("[nul]", byteAt: 4, path: "0"),
            Refusal("[tru,1]", byteAt: 4, path: "0"),
        ], Reading.allCases)
    func literalsAreSpelledOut(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(
        arguments: [
            Refusal("//x\n1", byteAt: 0),
            Refusal("/*x*/1", byteAt: 0),
            Refusal("[1/*x*/]", byteAt: 2),
            Refusal("1//x", .trailingBytes, at: 1),
            Refusal("#x\n1", byteAt: 0),
            Refusal("'a'", byteAt: 0),
            Refusal("`a`", byteAt: 0),
            Refusal("a", byteAt: 0),
            Refusal("\\", byteAt: 0),
            Refusal("\u{FEFF}1", byteAt: 0),
            Refusal("1\u{FEFF}", .trailingBytes, at: 1),
            Refusal("1\0", .trailingBytes, at: 1),
        ], Reading.allCases)
    func extensionsOfTheGrammarAreRefused(refusal: Refusal, reading: Reading) {
        #expect(reading.error(refusal.text) == refusal.error)
    }

    @Test(arguments: [
        "\0", "\u{8}", "\u{B}", "\u{C}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{3000}", "\u{FEFF}",
    ])
    func onlyFourCharactersAreWhiteSpace(space: String) {
        let first = Array(space.utf8)[0]
        for reading in Reading.allCases {
            #expect(reading.error(space + "[]") == JSONError(.unexpectedByte(first), offset: 0))
            #expect(reading.error("[]" + space) == JSONError(.trailingBytes, offset: 2))
            #expect(reading.error("[1" + space + "]") == JSONError(.unexpectedByte(first), offset: 2))
        }
    }

    @Test(arguments: Reading.allCases)
    func everyByteThatStartsNoValueIsRefused(reading: Reading) {
        let starts = Set("{[\"tfn-0123456789 \t\n\r".utf8)
        for byte in UInt8.min...UInt8.max where !starts.contains(byte) {
            #expect(reading.error([byte]) == JSONError(.unexpectedByte(byte), offset: 0))
        }
    }
}
