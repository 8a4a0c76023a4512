import MeerkatJSON
import Testing

@testable import MeerkatJSONSchema

@Suite struct PatternTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var pattern: String
        var matching: [String]
        var other: [String]

        init(_ pattern: String, matches matching: [String], not other: [String] = []) {
            (self.pattern, self.matching, self.other) = (pattern, matching, other)
        }

        var testDescription: String { pattern }
    }

    @Test(arguments: [
        Case("b", matches: ["abc", "b"], not: ["ac", ""]),
        Case("", matches: ["", "a"]),
        Case("^a|b$", matches: ["ax", "xb"], not: ["xa", "bx", "xax"]),
        Case("^(?:a|bc)+$", matches: ["a", "bca", "aabc"], not: ["", "b", "acb"]),
        Case("^(?<year>\\d{4})-\\d{2}$", matches: ["2024-01"], not: ["24-01", "2024-1", "2024-011"]),
        Case("^a{2,3}?$", matches: ["aa", "aaa"], not: ["a", "aaaa"]),
        Case("^a{2,}$", matches: ["aa", "aaaaa"], not: ["a"]),
        Case("^(a?){3}b$", matches: ["b", "ab", "aaab"], not: ["aaaab"]),
        Case("^(a*)*$", matches: ["", "aaa"], not: ["b"]),
        Case("^(|a)+$", matches: ["", "aa"], not: ["b"]),
        Case("^.$", matches: ["a", "🐲", "é"], not: ["", "\n", "\u{2028}", "ab", "e\u{301}"]),
        Case("^🐲*$", matches: ["", "🐲🐲"], not: ["🐉"]),
        Case("^[🐲-🐵]$", matches: ["🐳"], not: ["🐶"]),
        Case("^\\W$", matches: ["é", "-"], not: ["_", "a", "9"]),
        Case("^\\w$", matches: ["_", "a", "9"], not: ["é"]),
        Case("^\\d$", matches: ["7"], not: ["߀"]),
        Case(
            "^\\s$", matches: ["\u{A0}", "\u{FEFF}", "\u{2029}", "\t", "\u{B}"], not: ["\u{1}", "\u{2013}", "\u{85}"]),
        Case("^\\S$", matches: ["\u{2013}"], not: ["\u{A0}"]),
        Case("^[^\\W_]$", matches: ["a", "0"], not: ["_", "-"]),
        Case("^[\\w-]+$", matches: ["a-b"], not: ["a.b"]),
        Case("^[\\w-.]+$", matches: ["a-b.c"], not: ["a b"]),
        Case("^[]$", matches: [], not: ["", "a"]),
        Case("^[^]$", matches: ["a", "\n"], not: [""]),
        Case("^[a\\]^-]+$", matches: ["a]^-"], not: ["b"]),
        Case("^\\u0041\\x42\\u{43}\\cJ\\0$", matches: ["ABC\n\0"]),
        Case("^\\uD83D\\uDC32$", matches: ["🐲"]),
        Case("^\\.\\/\\-\\@\\{$", matches: ["./-@{"]),
        Case("^{\"a\"}$", matches: ["{\"a\"}"]),
        Case("^a{,2}$", matches: ["a{,2}"], not: ["aa"]),
        Case("\\bfoo\\b", matches: ["a foo b", "foo"], not: ["afoo", "foo_"]),
        Case("\\Boo\\B", matches: ["fooo"], not: ["foo"]),
        Case("^\\p{Letter}+$", matches: ["äßЖ漢"], not: ["a1"]),
        Case("^\\p{Lu}\\P{Lu}$", matches: ["Äa"], not: ["äa"]),
        Case("^[\\p{L}\\p{Nd}]+$", matches: ["a߀"], not: ["-"]),
        Case("^[^\\p{L}]$", matches: ["1"], not: ["a"]),
        Case("^[\\P{L}]$", matches: ["1"], not: ["a"]),
        Case("^\\p{General_Category=Decimal_Number}$", matches: ["߀"], not: ["a"]),
        Case("^\\p{Alphabetic}\\p{ASCII}$", matches: ["äa"], not: ["aä"]),
        Case("$^", matches: [""], not: ["a"]),
    ])
    func textsMatchAsInECMAScript(_ example: Case) throws {
        let pattern = try Pattern(example.pattern)
        for text in example.matching {
            var matcher = PatternMatcher(pattern)
            #expect(matcher.findsMatch(in: text, limit: 10_000) == true, "\(text.debugDescription)")
        }
        for text in example.other {
            var matcher = PatternMatcher(pattern)
            #expect(matcher.findsMatch(in: text, limit: 10_000) == false, "\(text.debugDescription)")
        }
    }

    @Test(arguments: [
        "(", ")", "a)", "[a", "*a", "a**", "a{2,1}", "\\", "\\a", "\\x1", "\\u12", "\\u{110000}", "[b-a]", "^*",
        "(?<1>a",
        "\\p{", "\\c1", "\\00", "(?", "{2}", "a|{0,}", "\\b{1,2}",
    ])
    func brokenSyntaxIsRefused(_ source: String) {
        #expect(throws: PatternError.self) { try Pattern(source) }
    }

    @Test(arguments: [
        ("a(?=b)", "look-ahead is"), ("a(?!b)", "look-ahead is"), ("(?<=a)b", "look-behind is"),
        ("(?<!a)b", "look-behind is"), ("(a)\\1", "back-references are"), ("(?<n>a)\\k<n>", "back-references are"),
        ("(?i:a)", "this kind of group is"), ("\\p{Script=Greek}", "the Unicode property \"Script=Greek\" is"),
    ])
    func whatLinearTimeExcludesIsCalledUnsupported(_ source: String, _ what: String) {
        #expect(throws: PatternError.unsupported(what)) { try Pattern(source) }
    }

    @Test(arguments: ["a{100001}", "((a{100}){100}){100}", "(((){1000}){1000}){1000}", "(a{0,1000}){1000}"])
    func hugeRepetitionsAreRefused(_ source: String) {
        #expect(throws: PatternError.tooLarge(limit: Pattern.maxInstructions)) { try Pattern(source) }
    }

    @Test func deepGroupsAreRefused() {
        let source = String(repeating: "(", count: 100_000)
        #expect(throws: PatternError.tooLarge(limit: 100)) { try Pattern(source) }
    }

    @Test func catastrophicExpressionsTakeLinearSteps() throws {
        var matcher = PatternMatcher(try Pattern("^(a+)+(a|aa)*$"))
        let text = String(repeating: "a", count: 10_000) + "b"
        #expect(matcher.findsMatch(in: text, limit: 1_000_000) == false)
        #expect(matcher.steps < 300_000)
    }

    @Test func matchingEndsAtItsLimit() throws {
        var matcher = PatternMatcher(try Pattern("(.{500}){20}x"))
        #expect(matcher.findsMatch(in: String(repeating: "a", count: 100_000), limit: 1_000_000) == nil)
    }
}
