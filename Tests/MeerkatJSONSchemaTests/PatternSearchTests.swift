import Testing

@testable import MeerkatJSONSchema

/// What searching through files needs of patterns.
@Suite struct PatternSearch {
    @Test(arguments: [
        ("abc", "abc", true), ("", "", true), ("a(bc)d", "abcd", true), ("ab+cd", "cd", false), ("ab|cd", "", false),
        ("^foo", "foo", false), ("(foo)+x", "foo", false), ("(foo)*x", "x", false), (#"\.c$"#, ".c", false),
        ("[a]b", "ab", true), ("[ab]c", "c", false),
    ])
    func theTextInEveryMatchIsKnown(source: String, text: String, isLiteral: Bool) throws {
        let pattern = try Pattern(source)
        #expect(pattern.requiredText == text)
        #expect(pattern.isLiteral == isLiteral)
    }

    @Test func aMatcherIsGoodForManyTexts() throws {
        var matcher = PatternMatcher(try Pattern("^a+b"))
        let texts = ["aab", "ba", "", "aaa", "ab", "xab", "b"]
        #expect(
            texts.map { matcher.findsMatch(in: $0, limit: 1000) } == [true, false, false, false, true, false, false])
        #expect(matcher.findsMatch(in: String(repeating: "a", count: 2000), limit: 1000) == nil)
        #expect(matcher.findsMatch(in: "aab", limit: 1000) == true)
    }

    @Test(arguments: [
        ("straße", "STRAßE", true), ("ǆ", "ǅ", true), ("σ", "ς", true), ("[a-f]", "F", true), ("[^a-f]", "F", false),
        (#"\w"#, "ſ", true), ("k", "\u{212A}", true), ("é", "E", false), ("a\\+", "A+", true),
    ])
    func lettersStandForBothCases(source: String, text: String, isMatch: Bool) throws {
        var matcher = PatternMatcher(try Pattern(source, ignoresCase: true))
        #expect(matcher.findsMatch(in: text, limit: 1000) == isMatch)
    }
}
