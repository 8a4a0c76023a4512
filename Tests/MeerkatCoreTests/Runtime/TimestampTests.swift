import MeerkatCore
import Testing

@Suite struct Timestamps {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (86_399_999, "1970-01-01T23:59:59.999Z"),
        (-86_400_000, "1969-12-31T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    ])
    func theyAreShownInUTC(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
    }

    @Test(arguments: [Int64.min, .min + 1, .max]) func theFarthestHaveAText(milliseconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).text.hasSuffix("Z"))
    }
}
