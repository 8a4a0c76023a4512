internal import MeerkatJSON

/// What a session's entries amount to.
///
/// ``apply(_:)`` is the only place where history changes.
///
/// The history is valid for every provider after every entry: input and answers alternate, and each tool call has
/// exactly one result, in call order, directly behind the answer that made it. Entries that would break this are
/// without effect; calls without a result get a closing one when they are read.
public struct SessionState: Sendable, Hashable {
    /// A tool call of the last answer.
    public struct OpenCall: Sendable, Hashable {
        public var toolUse: ToolUse
        /// What may happen to it when it is made again; nil while it has not been started.
        public var startedEffect: ToolEffect?
        public var result: ToolResult?

        public var isStarted: Bool { startedEffect != nil }

        public init(toolUse: ToolUse) {
            self.toolUse = toolUse
        }
    }

    public let id: SessionID
    public private(set) var lastSeq = 0
    public private(set) var createdAt = Timestamp(milliseconds: 0)
    public private(set) var updatedAt = Timestamp(milliseconds: 0)
    public private(set) var options = SessionOptions()
    public private(set) var origin: SessionOrigin?
    /// The instructions as they are sent; nil before the first run.
    public private(set) var instructions: String?
    public private(set) var tools: [ToolDefinition] = []
    /// Input and answers that nothing will be added to.
    public private(set) var closedGroups: [MessageGroup] = []
    /// The first entry of each closed group; 0 for a summary.
    public private(set) var closedSeqs: [Int] = []
    /// The calls of the last answer, in call order.
    public private(set) var openCalls: [OpenCall] = []
    /// The positions of the open calls by their ids; the first of several that share one.
    private var openCallPositions: [String: Int] = [:]
    /// How many open calls have a result.
    private var openResultCount = 0
    /// Hashes of the ids of the tool calls in the history.
    private var toolUseIDs: Set<Int> = []
    /// What was said since the last answer.
    public private(set) var openMessages: [[Block]] = []
    /// The first entry since the last answer that said something.
    public private(set) var openSeq: Int?
    /// Everything but the history.
    public private(set) var totals = SessionTotals()
    public private(set) var isArchived = false
    /// The last summary that tells everything before it, an entry to begin reading with; 0 when there is none.
    public private(set) var restartSeq = 0
    /// The last entry that changed what was said before it; 0 when there is none.
    public private(set) var rewriteSeq = 0
    /// Entries up to here are only read for what of them is kept by the summary that stands here.
    private var rebuildingUpTo = 0

    // What decides when the conversation is summarized.

    /// Input tokens of the last model call since the last summary, as the provider counted them.
    public private(set) var lastInputTokens = 0
    /// Text in the history, in bytes.
    public private(set) var historyBytes = 0
    /// Answers since a summary was last asked for; nil when none ever was.
    public private(set) var answersSinceCompaction: Int?

    public init(id: SessionID) {
        self.id = id
    }

    public var openRun: OpenRun? { totals.openRun }
    public var usage: Usage { totals.usage }
    public var spending: Spending { totals.spending }
    public var messageCount: Int { totals.messageCount }
    public var toolCallCount: Int { totals.toolCallCount }
    public var lastText: String? { totals.lastText }
    public var processes: [ToolProcess] { totals.processes }

    /// Begins with a summary instead of the first entry.
    ///
    /// The entry that created the session is applied next, then the one that set the context, then those from
    /// ``Compaction/keptFrom`` on.
    ///
    /// - Returns: nil when the summary does not tell everything before it.
    public init?(id: SessionID, restartingAt entry: Entry) {
        guard case .compacted(let compaction) = entry.kind, compaction.totals != nil else { return nil }
        self.init(id: id)
        rebuildingUpTo = entry.seq
    }

    /// Takes the entries before `seq` for applied.
    public mutating func skip(to seq: Int) {
        lastSeq = seq - 1
    }

    /// Whether a tool call in the history may have this id; two ids are hardly ever taken for one.
    public func mayHaveToolUse(_ id: String) -> Bool { toolUseIDs.contains(id.hashValue) }

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
        // An earlier summary is told by the one that is read up to.
        let isTold = if case .compacted = entry.kind { entry.seq < rebuildingUpTo } else { false }
        if !isTold { totals.account(entry.kind) }
        switch entry.kind {
        case .sessionCreated(let options, let origin):
            createdAt = entry.at
            self.options = options
            self.origin = origin
        case .contextSet(let instructions, let tools):
            if self.instructions != nil { dropBoundReasoning() }
            self.instructions = instructions
            self.tools = tools
            totals.contextSeq = entry.seq
        case .runStarted(let prompt, let overrides):
            totals.openRun = entry.run.map { OpenRun(id: $0, prompt: prompt, overrides: overrides ?? SessionOptions()) }
            closeCalls()
            add(prompt)
        case .runResumed:
            break
        case .messageAdded(_, let blocks):
            add(blocks)
        case .modelCalled(let call):
            totals.openRun?.begin(call)
            if call.purpose == .compaction { answersSinceCompaction = 0 }
        case .modelFailed:
            break
        case .modelAnswered(_, let blocks, _, let usage, _):
            if let usage { lastInputTokens = usage.contextTokens }
            if let answers = answersSinceCompaction { answersSinceCompaction = answers + 1 }
            totals.openRun?.end(blocks)
            answer(blocks)
        case .toolStarted(let id, _, _, let effect):
            guard let index = openCallPositions[id] else { return }
            openCalls[index].startedEffect = effect
        case .processStarted(_, let process):
            totals.processes.append(process)
            if processes.count > Self.keptProcesses { totals.processes.removeFirst() }
        case .toolFinished(let result):
            finish(result)
        case .compacted(let compaction):
            guard !isTold else { return }
            compact(compaction)
            guard let totals = compaction.totals else { return }
            restartSeq = entry.seq
            if rebuildingUpTo == entry.seq {
                self.totals = totals
                rebuildingUpTo = 0
            }
        case .runFinished:
            totals.openRun = nil
        case .archived:
            isArchived = true
        }
    }

    private static let keptProcesses = 32

    private mutating func add(_ blocks: [Block]) {
        if openSeq == nil { openSeq = lastSeq }
        openMessages.append(blocks)
        historyBytes += blocks.textBytes
        totals.messageCount += 1
    }

    private mutating func answer(_ blocks: [Block]) {
        let text = blocks.joinedText
        if !text.isEmpty { totals.lastText = text }
        guard !blocks.isEmpty else { return }
        if rebuildingUpTo > 0, closedGroups.isEmpty, openInput == nil {
            // What it answered is told by the summary.
            closedGroups = [.answer(blocks)]
            closedSeqs = [lastSeq]
        } else if let input = openInput {
            closedGroups += [input, .answer(blocks)]
            // Results that nobody has told stand before the answer all the same.
            closedSeqs += [openSeq ?? lastSeq - 1, lastSeq]
        } else if case .answer(let begun)? = closedGroups.last {
            // The provider had paused: this is the rest of the same answer.
            closedGroups[closedGroups.count - 1] = .answer(begun + blocks)
        } else {
            return
        }
        openCalls = blocks.toolUses.map { OpenCall(toolUse: $0) }
        openResultCount = 0
        openCallPositions.removeAll()
        for (position, call) in openCalls.enumerated() {
            toolUseIDs.insert(call.toolUse.id.hashValue)
            if openCallPositions[call.toolUse.id] == nil { openCallPositions[call.toolUse.id] = position }
        }
        totals.toolCallCount += openCalls.count
        openMessages = []
        openSeq = nil
        historyBytes += blocks.textBytes
        totals.messageCount += 1
    }

    private mutating func finish(_ result: ToolResult) {
        guard let index = unansweredCall(result.toolUseID) else { return }
        if openSeq == nil { openSeq = lastSeq }
        if openResultCount == 0 { totals.messageCount += 1 }
        openCalls[index].result = result
        openResultCount += 1
        historyBytes += result.content.textBytes
    }

    /// The position of the first call with this id that has no result.
    private func unansweredCall(_ id: String) -> Int? {
        guard let first = openCallPositions[id] else { return nil }
        if openCalls[first].result == nil { return first }
        return openCalls[first...].firstIndex { $0.toolUse.id == id && $0.result == nil }
    }

    private mutating func closeCalls() {
        for index in openCalls.indices where openCalls[index].result == nil {
            finish(.closing(openCalls[index].toolUse, wasStarted: openCalls[index].isStarted))
        }
    }

    /// Forgets signatures that hold only behind the very instructions, tools and messages they were made behind.
    ///
    /// The last answer keeps them while it waits for results, because it may not be shown again without.
    ///
    /// Source: <https://platform.claude.com/docs/build-with-claude/preserved-thinking>
    private mutating func dropBoundReasoning() {
        let count = openCalls.isEmpty ? closedGroups.count : closedGroups.count - 1
        for index in 0..<max(count, 0) {
            guard case .answer(let blocks) = closedGroups[index], blocks.contains(where: \.isBoundReasoning) else {
                continue
            }
            closedGroups[index] = .answer(
                blocks.map { block in
                    guard block.isBoundReasoning, case .reasoning(let text, _) = block else { return block }
                    return .reasoning(text: text, data: nil)
                })
            rewriteSeq = lastSeq
        }
    }

    private mutating func compact(_ compaction: Compaction) {
        var kept = closedSeqs.firstIndex { $0 >= compaction.keptFrom } ?? closedGroups.count
        // A result stays with its call, whatever the entry says.
        if kept == closedGroups.count, !openCalls.isEmpty { kept -= 1 }
        while kept > 0, kept < closedGroups.count, closedGroups[kept].hasResults { kept -= 1 }
        closedGroups.removeFirst(kept)
        closedSeqs.removeFirst(kept)
        switch closedGroups.first {
        case .input(let results, let messages):
            closedGroups[0] = .input(results: results, messages: [compaction.summary] + messages)
        case .answer:
            closedGroups.insert(.input(results: [], messages: [compaction.summary]), at: 0)
            closedSeqs.insert(0, at: 0)
        case nil:
            openMessages.insert(compaction.summary, at: 0)
            openSeq = openSeq ?? lastSeq
        }
        dropBoundReasoning()
        rewriteSeq = lastSeq
        lastInputTokens = 0
        historyBytes = history.reduce(0) { $0 + $1.textBytes }
        toolUseIDs = []
        for case .answer(let blocks) in closedGroups {
            for toolUse in blocks.toolUses { toolUseIDs.insert(toolUse.id.hashValue) }
        }
    }
}

/// What is known of a run that has not ended, enough to go on with it after a restart.
public struct OpenRun: Sendable, Hashable {
    public let id: RunID
    public let prompt: [Block]
    public let overrides: SessionOptions
    /// Model calls begun, without those for a summary.
    public internal(set) var calls = 0
    /// What the last model call is or was for.
    public internal(set) var purpose = ModelCall.Purpose.turn
    /// The last attempt of a call that has no answer yet.
    public internal(set) var pendingAttempt: Int?
    /// Answers to extraction calls.
    public internal(set) var extractions = 0
    /// Tool calls asked for.
    public internal(set) var toolCalls = 0
    /// The text of the last answer that had any.
    public internal(set) var text: String?
    /// The model calls that have come to something.
    public internal(set) var modelCalls: [ModelCallRecord] = []

    init(id: RunID, prompt: [Block], overrides: SessionOptions) {
        self.id = id
        self.prompt = prompt
        self.overrides = overrides
    }

    fileprivate mutating func begin(_ call: ModelCall) {
        purpose = call.purpose
        pendingAttempt = call.attempt
        if purpose != .compaction { calls = call.call + 1 }
    }

    fileprivate mutating func end(_ blocks: [Block]) {
        pendingAttempt = nil
        if purpose == .extraction { extractions += 1 }
        toolCalls += blocks.toolUses.count
        let answer = blocks.joinedText
        if !answer.isEmpty { text = answer }
    }
}

extension Block {
    fileprivate var isBoundReasoning: Bool {
        if case .reasoning(_, let data?) = self { data.format == .anthropicMessages } else { false }
    }
}

extension [Block] {
    /// The size of what a model reads in them, in bytes; data that only its provider understands is left out.
    public var textBytes: Int {
        reduce(0) { sum, block in
            switch block {
            case .text(let text): sum + text.utf8.count
            case .reasoning(let text, _): sum + text.utf8.count
            case .toolUse(let toolUse):
                sum + toolUse.name.utf8.count
                    + (toolUse.arguments?.bytes.count ?? toolUse.malformedArguments?.utf8.count ?? 0)
            case .image, .opaque: sum
            }
        }
    }
}

extension MessageGroup {
    /// The size of what a model reads in it, in bytes.
    public var textBytes: Int {
        switch self {
        case .input(let results, let messages):
            results.reduce(0) { $0 + $1.content.textBytes } + messages.reduce(0) { $0 + $1.textBytes }
        case .answer(let blocks): blocks.textBytes
        }
    }

    public var hasResults: Bool {
        if case .input(let results, _) = self { !results.isEmpty } else { false }
    }

    /// How many messages it is for a person: results of one answer count as one.
    public var messageCount: Int {
        switch self {
        case .input(let results, let messages): (results.isEmpty ? 0 : 1) + messages.count
        case .answer: 1
        }
    }
}
