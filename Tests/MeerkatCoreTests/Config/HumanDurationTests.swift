import MeerkatCore
import MeerkatJSON
import Testing

@Suite struct HumanDurationTests {
    @Test(arguments: [
        ("500ms", "500ms", 500), ("30s", "30s", 30_000), ("5m", "5m", 300_000), ("600s", "10m", 600_000),
        ("1h 30m", "1h 30m", 5_400_000), ("1h30m", "1h 30m", 5_400_000), ("90 min", "1h 30m", 5_400_000),
        ("2 days", "2d", 172_800_000), ("1500ms", "1s 500ms", 1500), ("0s", "0s", 0), (" 1 s ", "1s", 1000),
    ])
    func durationsAreReadAndPrinted(text: String, printed: String, milliseconds: Int) throws {
        let duration = try #require(Duration(human: text))
        #expect(duration == .milliseconds(milliseconds))
        #expect(duration.human == printed)
    }

    @Test(arguments: [Duration.seconds(Int64.max), .seconds(Int64.min), .nanoseconds(Int64.max), .nanoseconds(-1)])
    func theLongestCanBePrinted(duration: Duration) {
        #expect(!duration.human.isEmpty)
    }

    @Test(arguments: ["", "5", "s", "-5s", "1.5s", "5 parsecs", "5s5", "99999999999999999999s", "1000000d", "５s"])
    func otherTextsAreRefused(text: String) {
        #expect(Duration(human: text) == nil)
    }

    @Test(
        arguments: [
            ("2s", 2000), (1500, 1500), (["secs": 1, "nanos": 500_000_000], 1500), (["secs": 3], 3000),
        ] as [(JSONValue, Int)])
    func optionalDurationsTakeMoreForms(json: JSONValue, milliseconds: Int) throws {
        #expect(try LooseDuration(config: json).duration == .milliseconds(milliseconds))
    }

    @Test(arguments: [JSONValue.integer(-1), ["secs": "x"], [], true, "soon"])
    func otherValuesAreRefused(json: JSONValue) {
        #expect(throws: ConfigError(.wrongType(expected: "a duration such as \"30s\""))) {
            try LooseDuration(config: json)
        }
    }
}
