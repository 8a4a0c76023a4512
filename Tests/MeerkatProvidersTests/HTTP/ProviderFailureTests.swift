import MeerkatCore
import MeerkatIO
import Testing

@testable import MeerkatProviders

@Suite struct ProviderFailureTests {
    private let failure = ProviderFailure(key: APIKey("sk-0123456789abcdef"))

    private func error(
        _ status: Int, _ body: String = "", headers: [(name: String, value: String)] = []
    ) -> ProviderError {
        failure.error(HTTPHead(status: status, headers: headers), body: Array(body.utf8), now: StoppedClock().now)
    }

    static let table: [(status: Int, body: String, reason: ProviderError.Reason, isRetryable: Bool)] = [
        (400, #"{"type":"error","error":{"type":"invalid_request_error","message":"bad"}}"#, .invalidRequest, false),
        (400, #"{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#, .contextLength, false),
        (400, #"{"error":{"message":"m","code":"context_length_exceeded"}}"#, .contextLength, false),
        (
            400,
            #"{"error":{"code":400,"message":"request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            .contextLength, false
        ),
        (401, #"{"error":{"type":"authentication_error"}}"#, .authentication, false),
        (402, "", .permissionDenied, false),
        (403, "", .permissionDenied, false),
        (404, #"{"detail":"Not Found"}"#, .modelNotFound, false),
        (405, "", .invalidRequest, false),
        (408, "", .timeout, true),
        (409, "", .unknown, true),
        (413, #"{"error":{"type":"request_too_large"}}"#, .requestTooLarge, false),
        (413, #"{"error":{"message":"input is too long for the context window"}}"#, .contextLength, false),
        (422, #"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, .invalidRequest, false),
        (429, #"{"error":{"message":"maximum context length per minute"}}"#, .rateLimited, true),
        (500, "", .serverError, true),
        (500, #"{"error":{"type":"overloaded_error"}}"#, .overloaded, true),
        (502, "<html>Bad Gateway</html>", .serverError, true),
        (503, "", .overloaded, true),
        (504, "", .serverError, true),
        (529, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, .overloaded, true),
        (301, "", .invalidRequest, false),
        (400, #"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#, .invalidRequest, false),
        (
            400,
            #"[{"error":{"status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]"#,
            .authentication, false
        ),
        (
            400,
            #"{"error":{"status":"INVALID_ARGUMENT","message":"The input token count (2) exceeds the maximum number of tokens allowed (1)."}}"#,
            .contextLength, false
        ),
        (429, #"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, .rateLimited, true),
        (503, #"{"error":{"code":503,"status":"UNAVAILABLE"}}"#, .overloaded, true),
    ]

    @Test(arguments: table.indices)
    func statusesAreTyped(_ index: Int) {
        let (status, body, reason, isRetryable) = Self.table[index]
        let error = error(status, body)
        #expect(error.reason == reason)
        #expect(error.isRetryable == isRetryable)
        #expect(error.status == status)
    }

    @Test(arguments: [
        (#"{"error":{"message":"Over\n there"}}"#, "HTTP 400: Over there"), (#"{"error":"text"}"#, "HTTP 400: text"),
        (#"{"message":"text"}"#, "HTTP 400: text"), (#"[{"error":{"message":"text"}}]"#, "HTTP 400: text"),
        (#"{"detail":[{"msg":"text"}]}"#, "HTTP 400: text"), ("plain text", "HTTP 400: plain text"),
        (" <!doctype html><p>page", "HTTP 400"), ("", "HTTP 400"), (#"{"error":null}"#, "HTTP 400"),
        (#"{"error":{"message":"bad key sk-0123456789abcdef given"}}"#, "HTTP 400: bad key [redacted] given"),
    ])
    func theMessageIsFoundInTheBody(_ body: String, _ message: String) {
        #expect(error(400, body).message == message)
    }

    @Test(arguments: [1, 2, 3, 4])
    func foreignTextIsCutBetweenCharacters(_ offset: Int) {
        let text = String(repeating: "x", count: offset) + String(repeating: "🌍", count: 100)
        let message = error(400, text).message.dropFirst("HTTP 400: ".count)
        #expect(message.utf8.count <= 200)
        #expect(message.utf8.count > 190)
        #expect(text.hasPrefix(message.dropLast()))
        #expect(message.last == "…")
    }

    @Test(
        arguments: [
            ([("retry-after", "7")], 7000), ([("Retry-After", "1.5")], 1500), ([("retry-after", "0")], 0),
            ([("retry-after-ms", "250.2"), ("retry-after", "7")], 251),
            ([("retry-after-ms", "x"), ("retry-after", "7")], 7000),
            ([("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], 30_000),
            ([("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT")], 30_000),
            ([("retry-after", "Sun Nov  6 08:50:07 1994")], 30_000),
            ([("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], 0),
            (
                [("retry-after", "Tue, 01 Mar 2000 00:00:10 GMT"), ("date", "Tue, 29 Feb 2000 23:59:50 GMT")], 20_000
            ),
            ([("retry-after", "99999999999")], 86_400_000),
            ([("retry-after", "-5")], nil), ([("retry-after", "inf")], nil), ([("retry-after", "soon")], nil),
            ([("retry-after", "Sun, 06 Foo 1994 08:50:07 GMT")], nil), ([("retry-after", "")], nil), ([], nil),
        ] as [([(String, String)], Int?)])
    func theWishForTimeIsRead(_ headers: [(String, String)], _ milliseconds: Int?) {
        let error = error(429, headers: headers.map { (name: $0.0, value: $0.1) })
        #expect(error.retryAfterMilliseconds == milliseconds)
    }

    @Test(arguments: [("34.4s", 34_400), ("2s", 2000), ("soon", nil), ("5", nil)] as [(String, Int?)])
    func theWishForTimeStandsInTheBodyToo(_ delay: String, _ milliseconds: Int?) {
        let body =
            #"{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\#(delay)"}]}}"#
        #expect(error(429, body).retryAfterMilliseconds == milliseconds)
        #expect(error(429, body, headers: [("retry-after", "7")]).retryAfterMilliseconds == 7000)
    }

    @Test(arguments: [
        (HTTPError.invalidURL("x"), ProviderError.Reason.notConfigured), (.connectFailed("x"), .connection),
        (.connectTimedOut, .timeout), (.tlsFailed("x"), .connection), (.broken("x"), .connection),
        (.cancelled, .cancelled),
    ])
    func faultsOfTheConnectionAreTyped(_ fault: HTTPError, _ reason: ProviderError.Reason) {
        #expect(failure.error(fault).reason == reason)
    }
}
