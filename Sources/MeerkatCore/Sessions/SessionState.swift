/// What a session's entries amount to.
///
/// ``apply(_:)`` is the only place where history changes.
///
/// The history is valid for every provider after every entry: input and answers alternate, and each tool call has
/// exactly one result, in call order, directly behind the answer that made it. Entries that would break this are
/// without effect; calls without a result get a closing one when they are read.
public struct SessionState: Sendable {
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
    /// The run that has started and not ended.
    public private(set) var openRun: RunID?
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

    /// How many groups, from the first, will never change: all but an answer at the end, which may be continued.
    public var settledGroupCount: Int { openInput == nil ? max(closedGroups.count - 1, 0) : closedGroups.count }

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
            openRun = entry.run
            closeCalls()
            add(prompt)
        case .messageAdded(_, let blocks):
            add(blocks)
        case .modelCalled:
            break
        case .modelFailed(_, _, _, let usage):
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
        let text = blocks.joinedText
        if !text.isEmpty { lastText = text }
        guard !blocks.isEmpty else { return }
        if let input = openInput {
            closedGroups.append(input)
            closedGroups.append(.answer(blocks))
        } else if case .answer(let begun)? = closedGroups.last {
            // The provider had paused: this is the rest of the same answer.
            closedGroups[closedGroups.count - 1] = .answer(begun + blocks)
        } else {
            return
        }
        openCalls = blocks.toolUses.map { OpenCall(toolUse: $0) }
        openMessages = []
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
