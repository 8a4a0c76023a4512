/// The tools of one open session, and what they keep going between its runs.
public struct SessionTools: Sendable {
    /// In the order in which the model is told of them.
    public var tools: [any Tool]
    /// What a summary of the conversation must repeat word for word, such as open tasks; nil when there is nothing.
    public var openWork: @Sendable () async -> String?
    /// Ends what still runs for the session; called once, and waits for no longer than 3 s.
    public var close: @Sendable () async -> Void

    public init(
        tools: [any Tool] = [], openWork: @escaping @Sendable () async -> String? = { nil },
        close: @escaping @Sendable () async -> Void = {}
    ) {
        self.tools = tools
        self.openWork = openWork
        self.close = close
    }
}

/// What the tools of a session are made for.
public struct ToolScope: Sendable {
    public var session: SessionID
    public var options: SessionOptions
    /// Puts a message into the conversation: before the next model call, or at once while no run is going on.
    public var post: @Sendable (_ origin: MessageOrigin, _ blocks: [Block]) async -> Void

    public init(
        session: SessionID, options: SessionOptions,
        post: @escaping @Sendable (_ origin: MessageOrigin, _ blocks: [Block]) async -> Void
    ) {
        self.session = session
        self.options = options
        self.post = post
    }
}

/// Who says something that is neither a prompt nor an answer.
public enum MessageOrigin: String, Sendable, Hashable {
    /// A background job has ended.
    case job
    /// The runtime asks for the final answer in the session's schema.
    case extraction
    /// The runtime asks the model to stop repeating itself.
    case repetition
}
