import MeerkatJSON
import Testing

@Suite struct Clamping {
    @Test(arguments: [
        (0.9, 0), (-0.9, 0), (1e18, 1_000_000_000_000_000_000), (9_223_372_036_854_774_784, 9_223_372_036_854_774_784),
        (9_223_372_036_854_775_808, .max), (-9_223_372_036_854_775_808, .min), (1e300, .max), (-1e300, .min),
        (.infinity, .max), (-.infinity, .min), (.nan, 0), (-.nan, 0),
    ])
    func aDoubleBecomesTheNearestInteger(value: Double, expected: Int64) {
        #expect(Int64(clamping: value) == expected)
    }

    @Test func smallTypesHaveTheirOwnBounds() {
        #expect([-1, 0.5, 255, 255.5, 256, .infinity].map { UInt8(clamping: $0) } == [0, 0, 255, 255, 255, 255])
        #expect(UInt64(clamping: 1.8e19) == 18_000_000_000_000_000_000)
        #expect(UInt64(clamping: 1.9e19) == .max)
    }

    @Test func durationsAreCountedInWholeUnits() {
        #expect(Duration.milliseconds(1500).clampedMilliseconds == 1500)
        #expect(Duration.microseconds(-1500).clampedMilliseconds == -1)
        #expect(Duration.nanoseconds(Int64.min).clampedNanoseconds == .min)
        #expect(Duration.seconds(Int64.max).clampedNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).clampedMilliseconds == .min)
    }

    @Test func differencesAndProductsStayInRange() {
        #expect((5 as UInt64).subtractingClamped(6) == 0)
        #expect(Int.max.multipliedClamped(by: 2) == .max)
        #expect(Int.min.multipliedClamped(by: 2) == .min)
        #expect(Int.min.multipliedClamped(by: -1) == .max)
    }
}
