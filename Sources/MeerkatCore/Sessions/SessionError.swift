internal import MeerkatJSON

/// Why a request about sessions could not be fulfilled.
public struct SessionError: Error, Sendable, Hashable {
    public enum Cause: Sendable, Hashable {
        /// No such session, or it is archived.
        case notFound
        /// A run is going on in this process.
        case busy
        case invalidOption(field: String, message: String)
        case tooManySessions(limit: Int)
        case configuration(ConfigError)
        /// Something was asked for, by a request or by the configuration, that this build cannot do.
        case unavailable(feature: String)
        case store(StoreError)
        /// The run has ended, but its end is not in the journal: for everyone else the run is interrupted.
        case endNotStored(StoreError)
        case provider(ProviderError, provider: String?)
        /// The run ended by an interrupt.
        case cancelled(survivors: [String])
        /// The run was cut off by the end of its process and has not been continued.
        case interrupted
        /// Processes that a dead rkat has left for the session do not end; their ids.
        case processesLeft([Int])
        /// There is no run to go on with.
        case notInterrupted
        /// A limit ended the run before there was an answer.
        case limitReached(String)
        /// No answer fitted the schema that was asked for.
        case structuredOutput(attempts: Int, reason: String, lastOutput: String)
        /// The run ended earlier with this error.
        case recorded(RecordedFailure)
        /// The runtime is being shut down.
        case closing
    }

    public var cause: Cause
    public var session: SessionID?
    public var run: RunID?

    public init(_ cause: Cause, session: SessionID? = nil, run: RunID? = nil) {
        // A session that the store does not have, or no longer has, is like any other that does not exist.
        self.cause = cause == .store(.notFound) ? .notFound : cause
        self.session = session
        self.run = run
    }

    /// The error as every surface shows it and as the journal keeps it.
    public var failure: RecordedFailure {
        switch cause {
        case .notFound:
            RecordedFailure(
                code: .sessionNotFound, message: "session not found: \(session.map { "\($0)" } ?? "unknown")")
        case .busy:
            RecordedFailure(code: .sessionBusy, message: "a turn is already running in this session")
        case .invalidOption(let field, let message):
            RecordedFailure(code: .invalidParams, message: "\(field): \(message)", details: ["field": .string(field)])
        case .configuration(let error):
            RecordedFailure(code: error.code, message: error.description, details: error.details)
        case .unavailable(let feature):
            RecordedFailure(
                code: .capabilityUnavailable, message: "\(feature) is not available in this build of rkat",
                details: ["feature": .string(feature)])
        case .tooManySessions(let limit):
            RecordedFailure(
                code: .internalError, message: "limits.max_open_sessions (\(limit)) is reached",
                details: ["reason": "too_many_sessions", "limit": .integer(limit)])
        case .store(let error):
            RecordedFailure(
                code: error.isOwnership ? .sessionBusy : .agentError, message: error.message,
                details: ["reason": .string(error.reason)])
        case .endNotStored(let error):
            RecordedFailure(
                code: .agentError, message: "the end of the run could not be stored: \(error.message)",
                details: ["reason": "store", "store": .string(error.reason)])
        case .provider(let error, let provider): Self.failure(error, provider: provider)
        case .cancelled(let survivors):
            RecordedFailure(
                code: .agentError, message: "the run was cancelled",
                details: survivors.isEmpty
                    ? ["reason": "cancelled"]
                    : ["reason": "cancelled", "survivors": .array(survivors.map { .string($0) })])
        case .interrupted:
            RecordedFailure(
                code: .agentError, message: "the run was cut off before its end was stored",
                details: ["reason": "interrupted", "state": "interrupted"])
        case .processesLeft(let ids):
            RecordedFailure(
                code: .agentError, message: "processes of an earlier run do not end",
                details: ["reason": "processes_left", "processes": .array(ids.map { .integer($0) })])
        case .notInterrupted:
            RecordedFailure(code: .sessionNotRunning, message: "the session has no interrupted run to go on with")
        case .structuredOutput(let attempts, let reason, let lastOutput):
            RecordedFailure(
                code: .agentError,
                message: "no answer fitted the output schema in \(attempts) attempts: \(reason)",
                details: [
                    "reason": "structured_output", "attempts": .integer(attempts), "problem": .string(reason),
                    "last_output": .string(lastOutput),
                ])
        case .limitReached(let limit):
            RecordedFailure(
                code: .budgetExhausted, message: "the run reached \(limit) without an answer",
                details: ["reason": .string(limit)])
        case .recorded(let failure): failure
        case .closing:
            RecordedFailure(code: .agentError, message: "the runtime is closing", details: ["reason": "closing"])
        }
    }

    private static func failure(_ error: ProviderError, provider: String?) -> RecordedFailure {
        var details: JSONObject = ["reason": .string(error.reason.rawValue)]
        if let provider { details["provider"] = .string(provider.quoted) }
        if let status = error.status { details["status"] = .integer(status) }
        if let delay = error.retryAfterMilliseconds { details["retry_after_ms"] = .integer(delay) }
        return RecordedFailure(code: .providerError, message: error.message, details: details)
    }
}
