/// The stable name of a failure; a table in the protocol maps it to numbers of each surface.
public enum ErrorCode: String, Sendable, Hashable, CaseIterable {
    case sessionNotFound = "SESSION_NOT_FOUND"
    case sessionBusy = "SESSION_BUSY"
    case sessionNotRunning = "SESSION_NOT_RUNNING"
    case providerError = "PROVIDER_ERROR"
    case budgetExhausted = "BUDGET_EXHAUSTED"
    case hookDenied = "HOOK_DENIED"
    case agentError = "AGENT_ERROR"
    case capabilityUnavailable = "CAPABILITY_UNAVAILABLE"
    case skillNotFound = "SKILL_NOT_FOUND"
    case skillResolutionFailed = "SKILL_RESOLUTION_FAILED"
    case invalidParams = "INVALID_PARAMS"
    case internalError = "INTERNAL_ERROR"
}
