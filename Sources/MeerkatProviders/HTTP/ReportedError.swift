internal import MeerkatCore
internal import MeerkatJSON

/// An error as a server words it: in the body of a failed request, or inside a stream.
///
/// Servers agree on little: `{"error":{"message","type","code"}}`, `{"error":"text"}`, `{"object":"error","message"}`,
/// `{"detail":"text"}`, a list with one of these in it, plain text, a web page.
struct ReportedError: Sendable, Hashable {
    var message = ""
    /// The values of `type`, `code` and `status` that are words, and the reasons among the details.
    var kinds: [String] = []
    /// A `code` or `status` that looks like an HTTP status.
    var status: Int?
    /// The member of the request that is wrong.
    var parameter: String?
    /// The wish for the time before the next attempt.
    var retryAfterMilliseconds: Int?

    /// The error in a body; what is no JSON is taken as text, except for web pages.
    init(body: [UInt8]) {
        // What is wrong with the body of an error does not matter.
        if let value = try? JSONValue(json: body) {
            read(value)
        } else {
            let text = String(decoding: body, as: UTF8.self)
            if text.drop(while: \.isWhitespace).first != "<" { message = text }
        }
    }

    init(_ value: JSONValue) {
        read(value)
    }

    private mutating func read(_ value: JSONValue) {
        switch value {
        case .string(let text): message = text
        case .array(let values): if let first = values.first { read(first) }
        case .object(let object): read(object)
        case .null, .bool, .number: break
        }
    }

    private mutating func read(_ object: JSONObject) {
        for name in ["type", "code", "status", "status_code"] {
            switch object[name] {
            // The envelope of Anthropic says `"type":"error"`.
            case .string(let text) where text != "error":
                if let number = Int(text) { note(status: number) } else { kinds.append(text) }
            case .number(let number): if let number = number.int { note(status: number) }
            default: break
            }
        }
        if let text = object["message"]?.string { message = text }
        if let name = object["param"]?.string { parameter = name }
        for name in ["error", "detail", "errors"] where !(object[name]?.isNull ?? true) {
            if let nested = object[name] { read(nested) }
        }
        if message.isEmpty, let text = object["msg"]?.string { message = text }
        for detail in object["details"]?.array ?? [] { read(detail: detail) }
    }

    /// Reads a detail as Google's services add them.
    ///
    /// Source: <https://cloud.google.com/apis/design/errors#error_payloads>
    private mutating func read(detail: JSONValue) {
        switch detail["@type"] {
        case "type.googleapis.com/google.rpc.ErrorInfo":
            if let reason = detail["reason"]?.string { kinds.append(reason) }
        case "type.googleapis.com/google.rpc.RetryInfo":
            if let delay = detail["retryDelay"]?.string {
                retryAfterMilliseconds = RetryAfter.milliseconds(duration: delay)
            }
        default: break
        }
    }

    private mutating func note(status number: Int) {
        if (400...599).contains(number) { status = number }
    }

    // MARK: What it means

    private static let reasons: [(kinds: Set<String>, reason: ProviderError.Reason)] = [
        (["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"], .contextLength),
        (["request_too_large"], .requestTooLarge),
        (
            [
                "authentication_error", "invalid_api_key", "invalid_authentication", "unauthorized", "unauthenticated",
                "api_key_invalid",
            ], .authentication
        ),
        (
            [
                "permission_error", "permission_denied", "billing_error", "insufficient_quota", "access_denied",
                "account_deactivated", "usage_not_included", "credit_balance_exhausted",
                "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
            ], .permissionDenied
        ),
        (["not_found_error", "model_not_found", "not_found"], .modelNotFound),
        (
            ["rate_limit_error", "rate_limit_exceeded", "too_many_requests", "rate_limit", "resource_exhausted"],
            .rateLimited
        ),
        (
            [
                "overloaded_error", "server_is_overloaded", "overloaded", "service_unavailable",
                "service_unavailable_error", "slow_down", "unavailable",
            ], .overloaded
        ),
        (["timeout_error", "request_timeout", "deadline_exceeded", "vector_store_timeout"], .timeout),
        (["api_error", "server_error", "internal_server_error", "internal_error", "internal"], .serverError),
        (
            [
                "invalid_request_error", "badrequesterror", "invalid_request", "tool_use_failed", "invalid_argument",
                "failed_precondition", "out_of_range", "invalid_prompt", "cyber_policy", "invalid_image",
                "invalid_image_format", "invalid_base64_image", "invalid_image_url", "image_too_large",
                "image_too_small", "image_parse_error", "image_content_policy_violation", "invalid_image_mode",
                "image_file_too_large", "unsupported_image_media_type", "empty_image_file", "failed_to_download_image",
                "image_file_not_found",
            ], .invalidRequest
        ),
    ]

    /// Why the call failed, as far as the words say.
    private var reasonByKind: ProviderError.Reason? {
        let kinds = Set(kinds.map { $0.lowercased() })
        return Self.reasons.first { !$0.kinds.isDisjoint(with: kinds) }?.reason
    }

    private static let contextPhrases = [
        "context length", "context window", "context size", "context limit", "context_length", "prompt is too long",
        "input is too long", "maximum prompt length", "too many tokens", "reduce the length of the messages",
        "exceeds the maximum number of tokens", "input token count",
    ]

    private static let sizePhrases = [
        "request_too_large", "request too large", "entity too large", "payload too large", "body is too large",
    ]

    private func mentions(_ phrases: [String]) -> Bool {
        let text = message.lowercased()
        return phrases.contains { text.contains($0) }
    }

    /// The reason for a status, refined by what the body says.
    func reason(status: Int?) -> ProviderError.Reason {
        let byKind = reasonByKind
        guard let status = status ?? self.status else {
            if byKind == nil || byKind == .invalidRequest, mentions(Self.contextPhrases) { return .contextLength }
            return byKind ?? .unknown
        }
        switch status {
        case 401: return .authentication
        case 402, 403: return .permissionDenied
        case 404: return .modelNotFound
        case 408: return .timeout
        case 409: return .unknown
        case 429: return .rateLimited
        case 503, 529: return .overloaded
        case 400, 413, 422, 500:
            if byKind == .contextLength || mentions(Self.contextPhrases) { return .contextLength }
            if status == 413 || byKind == .requestTooLarge || mentions(Self.sizePhrases) { return .requestTooLarge }
            if status == 500 { return byKind == .overloaded ? .overloaded : .serverError }
            return byKind == .authentication ? .authentication : .invalidRequest
        case 501...: return byKind == .overloaded ? .overloaded : .serverError
        default: return .invalidRequest
        }
    }
}
