internal import MeerkatCore
internal import MeerkatIO

/// Turns what went wrong with a call into an error, with neither credentials nor long foreign texts in it.
struct ProviderFailure: Sendable {
    /// Most foreign text in a message, in bytes.
    static let maxForeignBytes = 200

    /// What must not be told, though the server may quote it.
    private let secrets: [APIKey]

    /// - Parameters:
    ///   - key: The key of the endpoint.
    ///   - headers: What the configuration has sent with every request.
    init(key: APIKey?, headers: [Endpoint.Header] = []) {
        secrets = (key.map { [$0] } ?? []) + headers.flatMap(\.secrets)
    }

    /// The answer had a status other than 2xx.
    func error(_ head: HTTPHead, body: [UInt8], now: Timestamp) -> ProviderError {
        let reported = ReportedError(body: body)
        let redirect = (300..<400).contains(head.status) ? " is a redirect, which is not followed" : ""
        var error = ProviderError(
            reported.reason(status: head.status),
            "HTTP \(head.status)" + redirect + quote(reported.message, after: ": "),
            status: head.status,
            retryAfterMilliseconds: RetryAfter.milliseconds(in: head, now: now) ?? reported.retryAfterMilliseconds)
        error.parameter = reported.parameter
        return error
    }

    /// The provider reported an error in an answer that had begun well.
    func error(_ reported: ReportedError) -> ProviderError {
        let kind = reported.kinds.first.map { " (\($0.prefix(60)))" } ?? ""
        return ProviderError(
            reported.reason(status: nil),
            "the provider reported an error" + kind + quote(reported.message, after: ": "),
            retryAfterMilliseconds: reported.retryAfterMilliseconds)
    }

    func error(_ error: HTTPError) -> ProviderError {
        func notSent(_ reason: ProviderError.Reason, _ message: String) -> ProviderError {
            var error = ProviderError(reason, message)
            error.wasSent = false
            return error
        }
        return switch error {
        case .invalidURL(let text): notSent(.notConfigured, clean(text))
        case .connectFailed(let text): notSent(.connection, clean(text))
        case .connectTimedOut: notSent(.timeout, "the connection was not made in time")
        case .tlsFailed(let text): notSent(.connection, clean(text))
        case .broken(let text): ProviderError(.connection, "the connection broke" + quote(text, after: ": "))
        case .tooLong: ProviderError(.answerTooLarge, "the answer is larger than limits.max_answer_bytes allows")
        case .cancelled: .cancelled
        }
    }

    /// The body is larger than it may be.
    static func tooLarge(_ limits: AnswerLimits) -> ProviderError {
        ProviderError(.answerTooLarge, "the answer is larger than \(limits.maxBytes) bytes (limits.max_answer_bytes)")
    }

    /// The body is something else than the format says.
    static func malformed(_ what: String) -> ProviderError {
        ProviderError(.malformedResponse, "the provider's answer cannot be read: \(what)")
    }

    private func quote(_ text: String, after prefix: String) -> String {
        let text = clean(text)
        return text.isEmpty ? "" : prefix + text
    }

    /// One line, without secrets, at most ``maxForeignBytes`` long.
    func clean(_ text: String) -> String {
        // Redacted before it is cut: a half of a key must not remain.
        let words = text.prefix(64 * 1024).split(whereSeparator: \.isWhitespace)
        let line = APIKey.redact(words.joined(separator: " "), secrets)
        guard line.utf8.count > Self.maxForeignBytes else { return line }
        let bytes = Array(line.utf8)
        var end = Self.maxForeignBytes - 3
        while bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + "…"
    }
}
