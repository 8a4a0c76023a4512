import MeerkatCore
import MeerkatEngine

/// What becomes of a failure, row by row.
enum RetryTable {
    static let plan = RetryPlan()

    static let rows: [(error: ProviderError, attempt: Int, jitter: Double, delay: Duration?)] = [
        (ProviderError(.serverError, "", status: 500), 1, 0, .milliseconds(500)),
        (ProviderError(.serverError, "", status: 500), 2, 0, .seconds(1)),
        (ProviderError(.serverError, "", status: 500), 3, 1, .milliseconds(2200)),
        (ProviderError(.serverError, "", status: 500), 4, 0, nil),
        (ProviderError(.invalidRequest, "", status: 400), 1, 0, nil),
        (ProviderError(.unknown, "", status: 408), 1, 0, .milliseconds(500)),
        (ProviderError(.unknown, "", status: 409), 1, 0, .milliseconds(500)),
        (ProviderError(.rateLimited, "", status: 429), 1, 0, .seconds(5)),
        (ProviderError(.rateLimited, "", status: 429, retryAfterMilliseconds: 2000), 1, 0, .seconds(2)),
        (ProviderError(.overloaded, "", retryAfterMilliseconds: 60_000), 1, 0, .seconds(60)),
        (ProviderError(.connection, ""), 1, -1, .milliseconds(450)),
        (ProviderError(.incomplete, ""), 1, 0, .milliseconds(500)),
        (ProviderError(.timeout, ""), 1, 0, .milliseconds(500)),
        (ProviderError(.contextLength, ""), 1, 0, nil),
        (ProviderError(.notConfigured, ""), 1, 0, nil),
    ]
}
