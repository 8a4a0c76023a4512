import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct DateTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z", "Thursday"), (951_782_399, "2000-02-28T23:59:59Z", "Monday"),
        (951_782_400, "2000-02-29T00:00:00Z", "Tuesday"), (1_767_225_600, "2026-01-01T00:00:00Z", "Thursday"),
        (4_107_542_400, "2100-03-01T00:00:00Z", "Monday"), (-1, "1969-12-31T23:59:59Z", "Wednesday"),
    ])
    func momentIsTakenApart(seconds: Int64, text: String, weekday: String) throws {
        let shown = try JSONValue(json: DateTime(Timestamp(milliseconds: seconds * 1000)).jsonBytes)
        #expect(shown["iso8601"] == .string(text))
        #expect(shown["weekday"] == .string(weekday))
        #expect(shown["unix_timestamp"] == .integer(Int(seconds)))
        #expect(shown["date"] == .string(String(text.prefix(10))))
        #expect(shown["time"] == .string(String(text.dropFirst(11).prefix(8))))
    }
}
