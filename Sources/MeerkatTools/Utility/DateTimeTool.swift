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

    private let seconds: Int64
    /// `YYYY-MM-DD` and `HH:MM:SS`.
    private let date: String
    private let time: String

    init(_ moment: Timestamp) {
        seconds = moment.seconds
        let parts = moment.text.split(separator: "T")
        date = String(parts[0])
        time = String(parts[1].prefix(8))
    }

    private var weekday: String {
        let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        // The first of January 1970 was a Thursday.
        let sinceSunday = (day + (rest < 0 ? 3 : 4)) % 7
        return Self.weekdays[Int(sinceSunday < 0 ? sinceSunday + 7 : sinceSunday)]
    }

    func write(to writer: inout JSONWriter) {
        let parts = date.split(separator: "-").map(String.init)
        writer.writeObject { writer in
            writer.member("iso8601", "\(date)T\(time)Z")
            writer.member("date", date)
            writer.member("time", time)
            writer.member("timezone", "UTC")
            writer.member("unix_timestamp", seconds)
            writer.member("year", parts[0])
            writer.member("month", parts[1])
            writer.member("day", parts[2])
            writer.member("weekday", weekday)
        }
    }
}
