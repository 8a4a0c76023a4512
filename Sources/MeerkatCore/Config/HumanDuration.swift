public import MeerkatJSON

/// Durations as people write them: `500ms`, `30s`, `1h 30m`.
extension Duration {
    private static let units: [(names: [String], nanoseconds: Int64)] = [
        (["d", "day", "days"], 86_400_000_000_000),
        (["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
        (["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
        (["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
        (["ms", "msec", "millis", "millisecond", "milliseconds"], 1_000_000),
        (["us", "µs", "usec", "micros", "microsecond", "microseconds"], 1000),
        (["ns", "nsec", "nanos", "nanosecond", "nanoseconds"], 1),
    ]

    /// Reads one or more whole numbers, each with its unit; anything else, or more than 200 years, is nil.
    public init?(human text: String) {
        var rest = Substring(text)
        var total: Int64 = 0
        var isEmpty = true
        while true {
            rest = rest.drop { $0 == " " }
            guard !rest.isEmpty else { break }
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let count = Int64(digits), let unit = Self.units.first(where: { $0.names.contains(String(name)) })
            else { return nil }
            let (amount, overflow) = count.multipliedReportingOverflow(by: unit.nanoseconds)
            let (sum, carry) = total.addingReportingOverflow(amount)
            guard !overflow, !carry, sum <= 200 * 365 * 86_400_000_000_000 else { return nil }
            total = sum
            isEmpty = false
        }
        guard !isEmpty else { return nil }
        self = .nanoseconds(total)
    }

    /// The shortest exact form in these units, for example `10m` or `1s 500ms`; below a nanosecond is dropped.
    public var human: String {
        var rest = clampedNanoseconds
        guard rest > 0 else { return "0s" }
        var parts: [String] = []
        for unit in Self.units where rest >= unit.nanoseconds {
            parts.append("\(rest / unit.nanoseconds)\(unit.names[0])")
            rest %= unit.nanoseconds
        }
        return parts.joined(separator: " ")
    }
}

extension Duration: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let text = json.string, let duration = Duration(human: text) else {
            throw ConfigError(.wrongType(expected: "a duration such as \"30s\""))
        }
        self = duration
    }

    public var configJSON: JSONValue { .string(human) }
}

/// A duration in any form that is accepted somewhere: text, milliseconds, or `{ secs, nanos }`.
public struct LooseDuration: ConfigValue {
    public var duration: Duration

    public init(duration: Duration) {
        self.duration = duration
    }

    public init(config json: JSONValue) throws(ConfigError) {
        let limit = 200 * 365 * 86_400
        if let milliseconds = json.int, (0...limit * 1000).contains(milliseconds) {
            duration = .milliseconds(milliseconds)
        } else if let seconds = json["secs"]?.int, (0...limit).contains(seconds),
            let nanos = json["nanos"].map(\.int) ?? 0, (0..<1_000_000_000).contains(nanos)
        {
            duration = .seconds(seconds) + .nanoseconds(nanos)
        } else if json.string != nil {
            duration = try Duration(config: json)
        } else {
            throw ConfigError(.wrongType(expected: "a duration such as \"30s\""))
        }
    }

    public var configJSON: JSONValue { duration.configJSON }
}
