import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatStorage

/// The JSON that a TOML text means.
private func json(_ toml: String) throws -> String {
    String(decoding: try TOMLDocument(Array(toml.utf8)).object.jsonBytes, as: UTF8.self)
}

@Suite struct TOMLParserTests {
    @Test(arguments: [
        ("", "{}"),
        ("\u{FEFF}a = 1", #"{"a":1}"#),
        ("# only a comment", "{}"),
        ("a = 1\r\nb = 2\r\n", #"{"a":1,"b":2}"#),
        ("a=1#x\n\n \t\nb = 2", #"{"a":1,"b":2}"#),
        ("-_1 = 1\n1234 = 2", #"{"-_1":1,"1234":2}"#),
        (#""a b" = 1"# + "\n'c\"d' = 2\n\"\" = 3", #"{"a b":1,"c\"d":2,"":3}"#),
        ("a . b.\"c.d\" = 1\na.e = 2", #"{"a":{"b":{"c.d":1},"e":2}}"#),
        ("3.14159 = 'pi'", #"{"3":{"14159":"pi"}}"#),
    ])
    func keysAndLines(toml: String, expected: String) throws {
        #expect(try json(toml) == expected)
    }

    @Test(arguments: [
        ("0", "0"), ("+7", "7"), ("-0", "-0"), ("1_000", "1000"), ("0xDEAD_beef", "3735928559"), ("0o17", "15"),
        ("0b1_01", "5"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("1.0", "1.0"), ("-0.5", "-0.5"), ("6.626e-34", "6.626e-34"),
        ("1e+06", "1e+06"), ("+1E2", "1e2"), ("9_224.445_9", "9224.4459"), ("true", "true"), ("false", "false"),
    ])
    func numbersKeepTheirText(toml: String, expected: String) throws {
        #expect(try json("a = \(toml)") == #"{"a":\#(expected)}"#)
    }

    @Test(arguments: [
        "1979-05-27T07:32:00Z", "1979-05-27T00:32:00.999999-07:00", "1979-05-27 07:32:00", "1979-05-27t07:32:00.5z",
        "1979-05-27", "2024-02-29", "07:32:00", "23:59:60", "00:32:00.999999",
    ])
    func datesAreStrings(date: String) throws {
        #expect(try json("a = \(date) # date") == #"{"a":"\#(date)"}"#)
    }

    @Test(arguments: [
        (#""x\b\t\n\f\r\"\\\u00E9\U0001F600""#, "x\u{8}\t\n\u{C}\r\"\\é😀"),
        (#"'C:\n'"#, #"C:\n"#),
        ("\"\"\"\nline 1\nline 2\"\"\"", "line 1\nline 2"),
        ("\"\"\"one \\\n   \n  two\"\"\"", "one two"),
        ("\"\"\"a \\  \n b\"\"\"", "a b"),
        (#""""two "" quotes"""""#, #"two "" quotes""#),
        (#""""five """"""#, #"five """#),
        ("'''\r\nI [dw]on't\\d'''", "I [dw]on't\\d"),
        ("''''that,' she said'''", "'that,' she said"),
        ("''", ""), ("\"\"\"\"\"\"", ""), ("\"tab\there\"", "tab\there"),
    ])
    func strings(toml: String, expected: String) throws {
        let object = try TOMLDocument(Array("a = \(toml)".utf8)).object
        #expect(object["a"]?.string == expected)
    }

    @Test(arguments: [
        ("a = []", #"{"a":[]}"#),
        ("a = [1, 'b', [true], {c = 1}]", #"{"a":[1,"b",[true],{"c":1}]}"#),
        ("a = [ # one\n 1,\n\n 2, # two\n]", #"{"a":[1,2]}"#),
        ("a = {}", #"{"a":{}}"#),
        ("a = { b.c = 1, b.d = 2, 'e' = [\n] }", #"{"a":{"b":{"c":1,"d":2},"e":[]}}"#),
        ("[a]\n[a.b]\nx = 1\n[c]", #"{"a":{"b":{"x":1}},"c":{}}"#),
        ("[a.b]\nx = 1\n[a]\ny = 2", #"{"a":{"b":{"x":1},"y":2}}"#),
        ("[ a . 'b' ]\nx = 1", #"{"a":{"b":{"x":1}}}"#),
        ("[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n[[a.c]]\nz = 3", #"{"a":[{"x":1},{"b":{"y":2},"c":[{"z":3}]}]}"#),
        ("[a]\nb.c = 1\n[a.b.d]\ne = 2", #"{"a":{"b":{"c":1,"d":{"e":2}}}}"#),
        ("[a.b]\n[[a.c]]\n[a.b.d]", #"{"a":{"b":{"d":{}},"c":[{}]}}"#),
    ])
    func arraysAndTables(toml: String, expected: String) throws {
        #expect(try json(toml) == expected)
    }

    @Test(arguments: [
        ("a", 1, 2), ("a =", 1, 4), ("a = 1 b = 2", 1, 7), ("= 1", 1, 1), ("a b = 1", 1, 3), ("a.. = 1", 1, 3),
        ("a = 1\na = 2", 2, 1), ("a = 1\na.b = 2", 2, 1), ("a.b = 1\na = 2", 2, 1), ("\"a\" = 1\n'a' = 2", 2, 1),
        ("[a]\n[a]", 2, 1), ("a = 1\n[a]", 2, 1), ("a = {}\n[a.b]", 2, 1), ("a = []\n[[a]]", 2, 1),
        ("[[a]]\n[a]", 2, 1), ("[a]\n[[a]]", 2, 1), ("[a]\nb.c = 1\n[a.b]", 3, 1), ("[a.b]\n[a]\nb = 1", 3, 1),
        ("[a.b.c]\n[a]\nb.c.d = 1", 3, 1), ("[[a.b]]\n[a]\nb.y = 2", 3, 1), ("a = {b = 1, b = 2}", 1, 13),
        ("a = {b = 1}\na.c = 2", 2, 1), ("a = {b.c = 1, b = 2}", 1, 15), ("[]", 1, 2), ("[a", 1, 3), ("[[a]", 1, 5),
        ("[a] b = 1", 1, 5), ("[a.]", 1, 4), ("[ [a]]", 1, 3), ("a = {b = 1,}", 1, 12), ("a = {b = 1\n}", 1, 11),
        ("a = [1 2]", 1, 8), ("a = [1,,2]", 1, 8), ("a = [", 1, 6),
        ("a = 01", 1, 5), ("a = 1_", 1, 5), ("a = _1", 1, 5), ("a = 1__0", 1, 5), ("a = 1.", 1, 5), ("a = .5", 1, 5),
        ("a = 1e", 1, 5), ("a = 0x", 1, 5), ("a = 0xg", 1, 5), ("a = +0x1", 1, 5), ("a = 0b2", 1, 5),
        ("a = 1.e3", 1, 5),
        ("a = 9223372036854775808", 1, 5), ("a = 0xFFFFFFFFFFFFFFFF", 1, 5), ("a = 1e999", 1, 5), ("a = inf", 1, 5),
        ("a = -nan", 1, 5), ("a = True", 1, 5), ("a = truee", 1, 5), ("a = 1979-13-01", 1, 5), ("a = 2023-02-29", 1, 5),
        ("a = 24:00:00", 1, 5), ("a = 07:32", 1, 5), ("a = 1979-05-27T07:32:00+25:00", 1, 5), ("a = 07:32:00.", 1, 5),
        ("a = \"x", 1, 7), ("a = \"x\ny\"", 1, 7), ("a = 'x\n'", 1, 7), ("a = \"\\x41\"", 1, 6),
        ("a = \"\\uD800\"", 1, 6),
        ("a = \"\\u12\"", 1, 6), ("a = \"\\U00110000\"", 1, 6), ("a = \"\u{1}\"", 1, 6), ("a = '\u{7F}'", 1, 6),
        ("a = \"\"\"x", 1, 9), ("a = '''x''", 1, 11), ("a = \"\"\"\"\"\"\"\"\"", 1, 8), ("# \u{0}", 1, 3),
        ("# x\ry", 1, 4), ("a = 1\rb = 2", 1, 6), ("é = 1", 1, 1), ("a = \"é\" é", 1, 9),
    ])
    func faultsHaveAPlace(toml: String, line: Int, column: Int) throws {
        let error = try #require(throws: ConfigError.self) {
            try TOMLDocument(Array(toml.utf8), file: "config.toml")
        }
        #expect(error.origin == .file("config.toml"))
        #expect(error.position == ConfigError.Position(line: line, column: column), "\(error)")
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: TOMLError(message: "not UTF-8", offset: 5)) {
            try TOMLDocument(Array("a = \"".utf8) + [0xFF, 0x22])
        }
    }

    @Test(arguments: [
        "a = " + String(repeating: "[", count: 5000), "a = " + String(repeating: "{a=", count: 5000),
        String(repeating: "a.", count: 5000) + "a = 1", "[" + String(repeating: "a.", count: 5000) + "a]",
    ])
    func nestingIsBounded(toml: String) throws {
        let error = try #require(throws: TOMLError.self) { try TOMLDocument(Array(toml.utf8)) }
        #expect(error.message == "nested deeper than 100 levels")
    }

    @Test func keysAreFoundInTheText() throws {
        let document = try TOMLDocument(
            Array("[agent]\nmodel = 'x'\nparams = { top_k = 1, deep.er = 2 }\n\n[[hooks.entries]]\nid = 'a'\n".utf8))
        #expect(document.position(of: ["agent", "model"]) == .init(line: 2, column: 1))
        #expect(document.position(of: ["agent", "params", "deep", "er"]) == .init(line: 3, column: 23))
        #expect(document.position(of: ["hooks", "entries", "0", "id"]) == .init(line: 6, column: 1))
        #expect(document.position(of: ["agent"]) == .init(line: 1, column: 1))
        #expect(document.position(of: ["limits"]) == nil)
    }
}
