public import MeerkatCore
public import MeerkatJSON

/// Tells the date and the time, in UTC.
public struct DateTimeTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        public init(from reader: inout JSONReader) throws(JSONError) {
            try reader.skip()
        }
    }

    public let definition = ToolDefinition(
        name: "datetime", description: "The current date and time in UTC.", inputSchema: .schema([:]))

    public init() {}

    public var effect: ToolEffect { .pure }
    /// A clock tells the same twice within a second.
    public var isPolling: Bool { true }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .json(DateTime(context.clock.now))
    }
}

/// A moment, taken apart as the tool shows it.
struct DateTime: JSONWritable {
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    let seconds: Int64
    let date: CalendarDate

    init(_ time: Timestamp) {
        seconds = time.seconds
        date = CalendarDate(daysSince1970: Int(seconds.flooredQuotient(86_400)))
    }

    private var time: String {
        let second = Int(seconds - seconds.flooredQuotient(86_400) * 86_400)
        return [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    private var year: String { Self.padded(date.year, 4) }
    private var month: String { Self.padded(date.month, 2) }
    private var day: String { Self.padded(date.day, 2) }

    /// The moment without a fraction and a time zone.
    var local: String { "\(year)-\(month)-\(day)T\(time)" }

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("iso8601", local + "Z")
            writer.member("date", "\(year)-\(month)-\(day)")
            writer.member("time", time)
            writer.member("timezone", "UTC")
            writer.member("unix_timestamp", seconds)
            writer.member("year", year)
            writer.member("month", month)
            writer.member("day", day)
            writer.member("weekday", Self.weekdays[date.weekday])
        }
    }
}

extension Timestamp {
    /// The time in the form `2026-01-01T00:00:00.000Z`.
    var rfc3339: String {
        let fraction = Int(milliseconds - milliseconds.flooredQuotient(1000) * 1000)
        let whole = Timestamp(milliseconds: milliseconds - Int64(fraction))
        return "\(DateTime(whole).local).\(DateTime.padded(fraction, 3))Z"
    }
}

/// A day of the Gregorian calendar.
struct CalendarDate: Hashable {
    var year: Int
    var month: Int
    var day: Int
    /// 0 is Sunday.
    var weekday: Int

    /// Counts from 0 March of year 0, in eras of 400 years, so that a leap day is always the last day of its year.
    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        weekday = ((days + 4) % 7 + 7) % 7
    }
}

extension Int64 {
    /// The quotient rounded down.
    func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
