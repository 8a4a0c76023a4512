internal import MeerkatCore

/// Counts what a session and its run use against their limits, and says when a limit is near or reached.
///
/// Each limit is warned of twice: when the threshold is passed, and when nothing is left. What was passed by earlier runs
/// is not told again, but that nothing is left is.
struct BudgetMeter: Sendable {
    let limits: RunLimits
    private let threshold: Double
    private(set) var tokens = 0
    private(set) var toolCalls = 0
    private(set) var milliseconds = 0
    private(set) var spending = Spending.zero
    /// The part of each limit that was told last.
    private var told: [BudgetWarning.BudgetType: Double] = [:]
    /// A tool call was refused because none is left.
    private(set) var hasRefusedCalls = false

    init(_ limits: RunLimits, _ settings: RunSettings) {
        self.limits = limits
        threshold = settings.budgetWarningThreshold
    }

    /// Takes what the session has used before this run.
    mutating func begin(_ totals: SessionTotals, toolCalls: Int) {
        count(totals)
        self.toolCalls = toolCalls
        for warning in states where warning.percent >= threshold && warning.percent < 1 {
            told[warning.budgetType] = threshold
        }
    }

    mutating func count(_ totals: SessionTotals) {
        tokens = Int(clamping: totals.usage.totalTokens)
        spending = totals.spending
    }

    mutating func count(milliseconds: Int) { self.milliseconds = milliseconds }

    /// How many of `count` calls may still be made; they are counted all the same.
    mutating func admit(calls count: Int) -> Int {
        let admitted = limits.maxToolCalls.map { max(min($0 - toolCalls, count), 0) } ?? count
        if admitted < count { hasRefusedCalls = true }
        toolCalls += count
        return admitted
    }

    /// Most tokens of an answer, so that what is left is not exceeded by it.
    func maxTokens(of wanted: Int) -> Int {
        limits.maxTokens.map { max(min(wanted, $0 - tokens), 1) } ?? wanted
    }

    /// What may still be spent; nil without a limit.
    ///
    /// What a call cost whose price turned out unknown is counted with the most that it can have been.
    var costLeft: USDollars? {
        limits.maxCost.map { limit in spending.bound.map { limit - $0 } ?? .zero }
    }

    /// The limit that forbids a further model call, if one does.
    var exhausted: String? {
        if limits.maxTokens.map({ tokens >= $0 }) ?? false { return "max_tokens" }
        if hasRefusedCalls { return "max_tool_calls" }
        return limits.maxDurationMs.map { milliseconds >= $0 } ?? false ? "max_duration" : nil
    }

    private var states: [BudgetWarning] {
        var states: [BudgetWarning] = []
        if let limit = limits.maxTokens {
            states.append(BudgetWarning(budgetType: .tokens, used: tokens, limit: limit))
        }
        if let limit = limits.maxDurationMs {
            states.append(BudgetWarning(budgetType: .time, used: milliseconds, limit: limit))
        }
        if let limit = limits.maxToolCalls {
            states.append(BudgetWarning(budgetType: .toolCalls, used: toolCalls, limit: limit))
        }
        if let limit = limits.maxCost {
            let used = spending.bound ?? limit
            states.append(BudgetWarning(budgetType: .cost, used: used.microdollars, limit: limit.microdollars))
        }
        return states
    }

    /// What is to be told since the last time.
    mutating func warnings() -> [BudgetWarning] {
        guard !limits.isEmpty else { return [] }
        return states.filter { state in
            let level = state.percent >= 1 ? 1 : state.percent >= threshold ? threshold : 0
            guard level > told[state.budgetType] ?? 0 else { return false }
            told[state.budgetType] = level
            return true
        }
    }
}
