/// What a session's entries amount to. ``apply(_:)`` is the only place where history changes.
///
/// The history is valid for every provider after every entry: input and answers alternate, and each tool call has
/// exactly one result, in call order, directly behind the answer that made it. Entries that would break this are
/// without effect; calls without a result get a closing one when they are read.
public struct SessionState: Sendable {
    /// A run that has started and not ended.
    public struct OpenRun: Sendable, Hashable {
        public var id: RunID
        /// Model calls answered so far.
        public var turns = 0
        public var toolCalls = 0
        /// A request left and no answer came.
        public var isModelCalled = false
        /// The text of the run's last answer that had any.
        public var text: String?
    }

    /// A tool call of the last answer.
    public struct OpenCall: Sendable, Hashable {
        public var toolUse: ToolUse
        public var isStarted = false
        public var result: ToolResult?
    }

    public let id: SessionID
    public private(set) var lastSeq = 0
    public private(set) var createdAt = Timestamp(milliseconds: 0)
    public private(set) var updatedAt = Timestamp(milliseconds: 0)
    public private(set) var options = SessionOptions()
    /// The instructions as they are sent; nil before the first run.
    public private(set) var instructions: String?
    public private(set) var tools: [ToolDefinition] = []
    /// Input and answers that nothing will be added to.
    public private(set) var closedGroups: [MessageGroup] = []
    /// The calls of the last answer, in call order.
    public private(set) var openCalls: [OpenCall] = []
    /// What was said since the last answer.
    public private(set) var openMessages: [[Block]] = []
    public private(set) var openRun: OpenRun?
    public private(set) var usage = Usage()
    public private(set) var messageCount = 0
    public private(set) var lastText: String?
    public private(set) var isArchived = false

    public init(id: SessionID) {
        self.id = id
    }

    /// The calls that have no result yet.
    public var unansweredCalls: [OpenCall] { openCalls.filter { $0.result == nil } }

    /// The input that the next answer will belong to, with closing results for calls that have none; nil when empty.
    public var openInput: MessageGroup? {
        guard !openCalls.isEmpty || !openMessages.isEmpty else { return nil }
        let results = openCalls.map { $0.result ?? .closing($0.toolUse, wasStarted: $0.isStarted) }
        return .input(results: results, messages: openMessages)
    }

    /// The whole history as a provider may see it.
    public var history: [MessageGroup] { closedGroups + (openInput.map { [$0] } ?? []) }

    public mutating func apply(_ entry: Entry) {
        lastSeq = entry.seq
        updatedAt = entry.at
        switch entry.kind {
        case .sessionCreated(let options):
            createdAt = entry.at
            self.options = options
        case .contextSet(let instructions, let tools):
            self.instructions = instructions
            self.tools = tools
        case .runStarted(let prompt):
            openRun = entry.run.map { OpenRun(id: $0) }
            closeCalls()
            add(prompt)
        case .messageAdded(_, let blocks):
            add(blocks)
        case .modelCalled:
            openRun?.isModelCalled = true
        case .modelFailed(_, _, _, let usage):
            openRun?.isModelCalled = false
            if let usage { self.usage += usage }
        case .modelAnswered(_, let blocks, _, let usage):
            if let usage { self.usage += usage }
            answer(blocks)
        case .toolStarted(let id, _, _, _):
            guard let index = openCalls.firstIndex(where: { $0.toolUse.id == id }) else { return }
            openCalls[index].isStarted = true
        case .toolFinished(let result):
            finish(result)
        case .runFinished:
            openRun = nil
        case .archived:
            isArchived = true
        }
    }

    private mutating func add(_ blocks: [Block]) {
        openMessages.append(blocks)
        messageCount += 1
    }

    private mutating func answer(_ blocks: [Block]) {
        openRun?.isModelCalled = false
        openRun?.turns += 1
        let text = blocks.joinedText
        if !text.isEmpty {
            lastText = text
            openRun?.text = text
        }
        guard !blocks.isEmpty, let input = openInput else { return }
        closedGroups.append(input)
        closedGroups.append(.answer(blocks))
        openCalls = blocks.toolUses.map { OpenCall(toolUse: $0) }
        openMessages = []
        openRun?.toolCalls += openCalls.count
        messageCount += 1
    }

    private mutating func finish(_ result: ToolResult) {
        guard let index = openCalls.firstIndex(where: { $0.toolUse.id == result.toolUseID && $0.result == nil })
        else { return }
        if openCalls.allSatisfy({ $0.result == nil }) { messageCount += 1 }
        openCalls[index].result = result
    }

    private mutating func closeCalls() {
        for index in openCalls.indices where openCalls[index].result == nil {
            finish(.closing(openCalls[index].toolUse, wasStarted: openCalls[index].isStarted))
        }
    }
}
