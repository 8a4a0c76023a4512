/// Readable traces for the person who runs the program.
///
/// They name what happened, never what was said, and no keys. Each is one line without controls, whatever is quoted in
/// it.
public struct Log: Sendable {
    public enum Level: String, Sendable, CaseIterable, Comparable {
        case error, warn, info, debug, trace

        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .error: 0
            case .warn: 1
            case .info: 2
            case .debug: 3
            case .trace: 4
            }
        }
    }

    private let level: Level
    private let clock: (any RuntimeClock)?
    private let write: @Sendable (String) -> Void

    /// Writes nothing.
    public static let none = Log(level: .error, clock: nil) { _ in }

    /// - Parameters:
    ///   - level: the least important level that is written.
    ///   - clock: dates the lines; nil writes none.
    ///   - write: takes a line without its end; must not block.
    public init(level: Level, clock: (any RuntimeClock)?, write: @escaping @Sendable (String) -> Void) {
        self.level = level
        self.clock = clock
        self.write = write
    }

    /// The level that `RKAT_LOG`, else `RUST_LOG`, names; `error` when neither names one.
    public static func level(in environment: [String: String]) -> Level {
        let text = environment["RKAT_LOG"] ?? environment["RUST_LOG"] ?? ""
        return Level(rawValue: text.lowercased()) ?? .error
    }

    /// Writes a line; the text is made only when it is wanted.
    public func callAsFunction(_ level: Level, _ text: @autoclosure () -> String) {
        guard level <= self.level, let clock else { return }
        write("\(clock.now.text) \(level.rawValue.uppercased()) \(text().escapedForTerminal)")
    }
}

extension Timestamp {
    /// RFC 3339 in UTC with milliseconds.
    public var text: String {
        let (days, inDay) = (milliseconds.floorDivided(by: 86_400_000), milliseconds.modulo(86_400_000))
        let (year, month, day) = Self.date(daysSince1970: days)
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
            + "\(padded(inDay / 3_600_000, 2)):\(padded(inDay / 60_000 % 60, 2)):\(padded(inDay / 1000 % 60, 2))."
            + "\(padded(inDay % 1000, 3))Z"
    }

    /// The day in UTC, as `YYYY-MM-DD`.
    public var day: String { String(text.prefix { $0 != "T" }) }

    /// Year, month and day of the proleptic Gregorian calendar.
    ///
    /// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
    private static func date(daysSince1970 days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self + 1) / divisor - 1
    }

    fileprivate func modulo(_ divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }
}
