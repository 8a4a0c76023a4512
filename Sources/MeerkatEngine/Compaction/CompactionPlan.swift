internal import MeerkatCore
internal import MeerkatJSON

/// What of a conversation is summarized and what is kept.
struct CompactionPlan: Sendable {
    /// What is told before it begins.
    let started: CompactionStarted
    /// The first entry whose message is kept.
    let keptFrom: Int
    /// The last prompt, when it is not among what is kept.
    private let prompt: String?
    private let transcript: String

    /// Nil when nothing can be left out.
    ///
    /// The last `keepingTurns` prompts are kept with what follows them, as far as that is no more than half of
    /// `threshold`, in tokens; as much is shown of what is left out.
    init?(_ state: SessionState, keepingTurns: Int, threshold: Int) {
        // How much text a token is, the provider has told by its count of the whole.
        let tokens = max(state.lastInputTokens, state.historyBytes / 4, 1)
        let share = min(Double(threshold) / 2 / Double(tokens), 1)
        let kept = Int(clamping: Double(state.historyBytes) * share)
        guard let start = Self.firstKept(state, keepingTurns, kept) else { return nil }
        keptFrom = start < state.closedSeqs.count ? state.closedSeqs[start] : state.openSeq ?? state.lastSeq + 1
        let left = state.closedGroups[..<start]
        let isPromptKept = state.closedGroups[start...].contains(where: \.hasMessages) || !state.openMessages.isEmpty
        prompt = isPromptKept ? nil : state.openRun?.prompt.describedText
        transcript = Transcript(limit: threshold.multipliedClamped(by: 2)).text(of: left)
        started = CompactionStarted(
            inputTokens: state.lastInputTokens, estimatedHistoryTokens: state.historyBytes / 4,
            messageCount: state.history.reduce(0) { $0 + $1.messageCount })
    }

    /// The first group that is kept: that of the last prompts if they fit, else a later one.
    private static func firstKept(_ state: SessionState, _ turns: Int, _ budget: Int) -> Int? {
        var start = state.closedGroups.count
        var kept = state.openInput?.textBytes ?? 0
        var prompts = state.openMessages.isEmpty ? 0 : 1
        // The calls of the last answer are not parted from their results.
        if !state.openCalls.isEmpty, start > 0 {
            start -= 1
            kept += state.closedGroups[start].textBytes
        }
        var chosen = start
        for index in (0..<start).reversed() where prompts < turns {
            let group = state.closedGroups[index]
            kept += group.textBytes
            guard kept <= budget else { break }
            if group.hasMessages { prompts += 1 }
            // A group may begin what is kept unless it holds results, whose calls stand before it.
            if !group.hasResults { chosen = index }
        }
        return chosen > 0 ? chosen : nil
    }

    static let instructions = """
        You write hand-over notes. The reader knows nothing of the conversation and must be able to go on with the work \
        from your note alone.
        """

    /// What the model is asked.
    var question: String {
        """
        Below is the record of a conversation between a user and an agent that works with tools. Write the hand-over \
        note for whoever goes on with the work:

        - what was asked for, and what constraints and preferences were stated
        - what has been done and decided, and what came of it
        - what is left to do, step by step
        - data, paths, names and examples that are needed for it, exactly as they were given
        - which ways with the tools worked and which failed

        Be concise and structured. Write the note only.

        <record>
        \(transcript)
        </record>
        """
    }

    /// The message that stands for what was left out.
    func message(summary: String, openWork: String?) -> String {
        var parts = ["[The earlier part of this conversation was summarized.]", summary]
        if let prompt, !prompt.isEmpty { parts.append("The request being worked on, word for word:\n\(prompt)") }
        if let openWork { parts.append("Open tasks, word for word:\n\(openWork)") }
        return parts.joined(separator: "\n\n")
    }
}

extension MessageGroup {
    var hasMessages: Bool {
        if case .input(_, let messages) = self { !messages.isEmpty } else { false }
    }
}
