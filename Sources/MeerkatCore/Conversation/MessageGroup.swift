/// The items that become one provider message: everything said to the model between two of its answers, or one answer.
public enum MessageGroup: Sendable, Hashable {
    /// Results of the preceding answer's tool calls, in call order, then what users and other sources said.
    case input(results: [ToolResult], messages: [[Block]])
    case answer([Block])
}

/// What a tool call came to; a call has exactly one.
public struct ToolResult: Sendable, Hashable {
    /// How the result came about.
    public enum Origin: Sendable, Hashable {
        case ran
        case denied
        case timedOut
        /// The run ended before the tool was started.
        case notStarted
        /// The run ended while the tool was running: it may or may not have had its effect.
        case effectUnknown
    }

    public var toolUseID: String
    public var name: String
    public var content: [Block]
    public var isError: Bool
    public var origin: Origin

    public init(toolUseID: String, name: String, content: [Block], isError: Bool, origin: Origin) {
        self.toolUseID = toolUseID
        self.name = name
        self.content = content
        self.isError = isError
        self.origin = origin
    }

    /// The result of a call whose run ended before it had one.
    public static func closing(_ call: ToolUse, wasStarted: Bool) -> ToolResult {
        let error =
            wasStarted
            ? ToolError.interrupted("The call was interrupted; whether it had its effect is unknown.")
            : ToolError.interrupted("The call was interrupted before it was started.")
        return ToolResult(
            toolUseID: call.id, name: call.name, content: [.text(error.modelText)], isError: true,
            origin: wasStarted ? .effectUnknown : .notStarted)
    }
}
