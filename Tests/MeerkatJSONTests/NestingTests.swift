import MeerkatJSON
import Testing

@Suite struct Nesting {
    /// One level of nesting: what opens it, what closes it.
    static let levels: [(open: String, close: String)] = [
        ("[", "]"), (#"{"a":"#, "}"), (#"[0,{"b":1,"a":"#, #","c":2},3]"#),
    ]

    private static func text(_ depth: Int, of level: (open: String, close: String), around core: String = "1") -> String
    {
        String(repeating: level.open, count: depth) + core + String(repeating: level.close, count: depth)
    }

    private static func brackets(in level: (open: String, close: String)) -> Int {
        level.open.count { $0 == "[" || $0 == "{" }
    }

    @Test(arguments: Reading.allCases)
    func aTextMayBeNestedUpToTheLimit(reading: Reading) {
        for level in Self.levels {
            let depth = JSONReader.defaultMaxDepth / Self.brackets(in: level)
            #expect(reading.error(Self.text(depth, of: level)) == nil)
        }
    }

    @Test(arguments: Reading.allCases)
    func oneLevelBeyondTheLimitIsRefusedAtItsBracket(reading: Reading) {
        let limit = JSONReader.defaultMaxDepth
        for level in Self.levels {
            let depth = limit / Self.brackets(in: level)
            for core in ["[]", "{}"] {
                let error = reading.error(Self.text(depth, of: level, around: core))
                #expect(error?.reason == .tooDeep(limit: limit))
                #expect(error?.offset == level.open.utf8.count * depth)
                #expect(error?.path.count == limit)
            }
        }
    }

    @Test(arguments: Reading.allCases)
    func aFloodOfBracketsIsRefused(reading: Reading) {
        for (open, close) in Self.levels {
            let half = String(repeating: open, count: 100_000)
            #expect(reading.error(half)?.reason == .tooDeep(limit: 512))
            #expect(
                reading.error(half + "1" + String(repeating: close, count: 100_000))?.reason == .tooDeep(limit: 512))
        }
    }

    @Test(arguments: Reading.allCases)
    func aCallerMaySetTheLimit(reading: Reading) {
        for limit in 0...20 {
            let fits = Array(Self.text(limit, of: ("[", "]")).utf8)
            let exceeds = Array(Self.text(limit + 1, of: ("[", "]")).utf8)
            #expect(reading.error(fits, maxDepth: limit) == nil)
            let error = reading.error(exceeds, maxDepth: limit)
            #expect(error?.reason == .tooDeep(limit: limit))
            #expect(error?.offset == limit)
        }
    }

    @Test(arguments: Reading.allCases)
    func siblingsAreNotNested(reading: Reading) {
        let arrays = "[" + Array(repeating: "[]", count: 10_000).joined(separator: ",") + "]"
        let objects = "[" + Array(repeating: #"{"a":[{}]}"#, count: 10_000).joined(separator: ",") + "]"
        #expect(reading.error(Array(arrays.utf8), maxDepth: 2) == nil)
        #expect(reading.error(Array(objects.utf8), maxDepth: 4) == nil)
    }

    @Test func bracketsInStringsAreNotNesting() {
        let text = "\"" + String(repeating: "[{", count: 10_000) + "\""
        for reading in Reading.allCases { #expect(reading.error(Array(text.utf8), maxDepth: 0) == nil) }
    }

    @Test func theDeepestValueIsWrittenComparedAndHashed() throws {
        for level in Self.levels {
            let text = Self.text(JSONReader.defaultMaxDepth / Self.brackets(in: level), of: level)
            let (value, twin) = (try JSONValue(text: text), try JSONValue(text: text))
            #expect(value.jsonText == text)
            #expect(Set([value, twin]).count == 1)
        }
    }
}
