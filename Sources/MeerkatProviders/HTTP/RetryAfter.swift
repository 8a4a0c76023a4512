internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Reads when a server wants to be asked again.
///
/// Source: RFC 9110 §10.2.3 and §5.6.7; `retry-after-ms` is an extension of OpenAI and Azure.
enum RetryAfter {
    /// Milliseconds from `now`, 0 for a time that has passed; nil when the headers do not say or say nonsense.
    static func milliseconds(in head: HTTPHead, now: Timestamp) -> Int? {
        if let text = head.header("retry-after-ms"), let value = number(text, scale: 1) { return value }
        guard let text = head.header("retry-after") else { return nil }
        if let value = number(text, scale: 1000) { return value }
        guard let then = date(text) else { return nil }
        // The server's own clock, when it shows it: the two may differ.
        let present = head.header("date").flatMap(date) ?? now.milliseconds
        return Int(min(max(then - present, 0), longest))
    }

    /// Milliseconds of a duration in the JSON form of protocol buffers, such as `34.4s`; nil for another text.
    static func milliseconds(duration text: String) -> Int? {
        text.last == "s" ? number(String(text.dropLast()), scale: 1000) : nil
    }

    /// A day; what is longer says no more than that.
    private static let longest: Int64 = 86_400_000

    private static func number(_ text: String, scale: Double) -> Int? {
        guard let value = Double(text.filter { $0 != " " }), value.isFinite, value >= 0 else { return nil }
        return Int(clamping: min((value * scale).rounded(.up), Double(longest)))
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// Milliseconds since 1970 of a date in any of the three forms of HTTP.
    static func date(_ text: String) -> Int64? {
        var day: Int?
        var month: Int?
        var year: Int?
        var seconds: Int?
        // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`
        for word in text.lowercased().split(whereSeparator: { " ,-".contains($0) }) {
            if let index = months.firstIndex(of: String(word)) {
                month = index + 1
            } else if word.contains(":") {
                seconds = secondsOfDay(word)
            } else if let number = Int(word) {
                if day == nil { day = number } else { year = word.count == 2 ? century(number) : number }
            }
        }
        guard let day, let month, let year, let seconds, (1...31).contains(day), (1970...9999).contains(year) else {
            return nil
        }
        return (daysSince1970(year, month, day) * 86_400 + Int64(seconds)) * 1000
    }

    private static func century(_ year: Int) -> Int { year < 70 ? 2000 + year : 1900 + year }

    private static func secondsOfDay(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    /// Days of the Gregorian calendar, with years that begin in March.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        return Int64(shifted * 365 + leapDays + dayOfYear - 719_468)
    }
}
