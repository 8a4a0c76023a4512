internal import MeerkatJSON

/// Why a tool call has no ordinary result.
///
/// It is told to the model and never ends the run.
public enum ToolError: Error, Sendable, Hashable {
    case notFound(name: String)
    case invalidArguments(String)
    case executionFailed(String)
    case timedOut(milliseconds: Int)
    case accessDenied(String)
    /// The run ended before the call did.
    case interrupted(String)

    /// The code the model sees.
    public var code: String {
        switch self {
        case .notFound: "tool_not_found"
        case .invalidArguments: "invalid_arguments"
        case .executionFailed: "execution_failed"
        case .timedOut: "timeout"
        case .accessDenied: "access_denied"
        case .interrupted: "interrupted"
        }
    }

    public var message: String {
        switch self {
        case .notFound(let name): name
        case .timedOut(let milliseconds): "timed out after \(milliseconds) ms"
        case .invalidArguments(let text), .executionFailed(let text), .accessDenied(let text), .interrupted(let text):
            text
        }
    }

    /// The result text that the model gets: `{"error":CODE,"message":TEXT}`.
    public var modelText: String {
        var writer = JSONWriter()
        writer.writeObject { writer in
            writer.member("error", code)
            writer.member("message", message)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
