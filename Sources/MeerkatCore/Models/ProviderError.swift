/// Why a model call failed.
public struct ProviderError: Error, Sendable, Hashable {
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        case authentication
        case permissionDenied = "permission_denied"
        case modelNotFound = "model_not_found"
        case invalidRequest = "invalid_request"
        case requestTooLarge = "request_too_large"
        case contextLength = "context_length"
        case rateLimited = "rate_limited"
        case overloaded
        case serverError = "server_error"
        case connection
        case timeout
        /// The stream ended before the answer did.
        case incomplete
        /// The provider sent something that its own format does not allow.
        case malformedResponse = "malformed_response"
        /// The answer is larger than ``AnswerLimits`` allow.
        case answerTooLarge = "answer_too_large"
        /// No provider, model or key to make the call with.
        case notConfigured = "not_configured"
        case unknown
        case cancelled
    }

    public var reason: Reason
    /// For people; holds no credentials.
    ///
    /// At most a few hundred bytes of foreign text.
    public var message: String
    /// The HTTP status, when there was one.
    public var status: Int?
    /// The provider's wish for the time before the next attempt.
    public var retryAfterMilliseconds: Int?
    /// The member of the request that the provider objects to, when it names one.
    public var parameter: String?
    /// Whether the request may have reached the provider.
    public var wasSent = true
    /// What the provider had counted when the call failed.
    public var usage: Usage?

    public init(
        _ reason: Reason, _ message: String, status: Int? = nil, retryAfterMilliseconds: Int? = nil, usage: Usage? = nil
    ) {
        self.reason = reason
        self.message = message
        self.status = status
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.usage = usage
    }

    public static let cancelled = ProviderError(.cancelled, "the call was cancelled")

    /// Whether the same call may succeed when it is made again.
    public var isRetryable: Bool {
        if let status { return status == 408 || status == 409 || status == 429 || status >= 500 }
        return switch reason {
        case .rateLimited, .overloaded, .serverError, .connection, .timeout, .incomplete, .malformedResponse, .unknown:
            true
        case .authentication, .permissionDenied, .modelNotFound, .invalidRequest, .requestTooLarge, .contextLength,
            .answerTooLarge, .notConfigured, .cancelled:
            false
        }
    }
}
