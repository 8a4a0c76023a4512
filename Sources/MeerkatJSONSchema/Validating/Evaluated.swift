/// Which members or items of one value some schema has looked at: the annotations behind `unevaluated…`.
struct Evaluated {
    /// False where nobody will ask.
    let isTracked: Bool
    private var hasAll = false
    /// Positions below 64, then the others.
    private var low: UInt64 = 0
    private var high: [UInt64] = []

    init(isTracked: Bool) { self.isTracked = isTracked }

    func contains(_ position: Int) -> Bool {
        if hasAll { return true }
        if position < 64 { return low >> UInt64(position) & 1 == 1 }
        let word = position / 64 - 1
        return word < high.count && high[word] >> UInt64(position % 64) & 1 == 1
    }

    mutating func insert(_ position: Int) {
        guard isTracked, !hasAll else { return }
        if position < 64 {
            low |= 1 << UInt64(position)
            return
        }
        let word = position / 64 - 1
        if word >= high.count { high += [UInt64](repeating: 0, count: word + 1 - high.count) }
        high[word] |= 1 << UInt64(position % 64)
    }

    mutating func insertAll() { hasAll = true }

    mutating func formUnion(_ other: Evaluated) {
        guard isTracked, !hasAll else { return }
        hasAll = other.hasAll
        low |= other.low
        if other.high.count > high.count {
            high += [UInt64](repeating: 0, count: other.high.count - high.count)
        }
        for word in other.high.indices { high[word] |= other.high[word] }
    }
}
