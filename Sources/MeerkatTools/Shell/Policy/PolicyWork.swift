/// The steps that checking a command line may take; what needs more is refused.
///
/// A step is a byte that is read or a character that is compared with a pattern. Nested shells and programs that run
/// their arguments can be written so that every part of a line is a command in many ways; without a bound, a line of
/// some hundred bytes would keep the check busy for ever.
struct PolicyWork: Sendable {
    /// For each byte of the line.
    static let stepsPerByte = 4096
    /// For a line of any length: some tenths of a second.
    static let maxSteps = 1 << 24

    let limit: Int
    private(set) var used = 0

    /// - Parameter length: the bytes of the line.
    init(length: Int) {
        limit = min((min(length, Self.maxSteps) + 64) * Self.stepsPerByte, Self.maxSteps)
    }

    /// False when there are not enough steps left.
    mutating func take(_ steps: Int) -> Bool {
        used = min(used + steps, limit + 1)
        return used <= limit
    }

    var isSpent: Bool { used > limit }
}
