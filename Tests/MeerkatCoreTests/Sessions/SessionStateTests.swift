import MeerkatCore
import MeerkatJSON
import Testing

@Suite struct SessionStates {
    @Test(arguments: Journals.all)
    func everyPrefixHasAHistoryThatProvidersAccept(journal: Journals.Journal) throws {
        var state = SessionState(id: Journals.session)
        for (index, kind) in journal.kinds.enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
            try HistoryValidator.check(state.history, "\(journal.name) after entry \(index + 1)")
        }
    }

    @Test func randomJournalsNeverBreakTheHistory() throws {
        // Entries in any order, sensible or not: the reducer keeps the history valid all the same.
        var random = SplitMix(seed: 20_261_121)
        for _ in 0..<300 {
            var state = SessionState(id: Journals.session)
            for seq in 1...40 {
                let kind = Journals.anyKind(using: &random)
                state.apply(Entry(seq: seq, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
                try HistoryValidator.check(state.history, "\(kind)")
            }
        }
    }

    @Test(arguments: Journals.all)
    func settledGroupsNeverChange(journal: Journals.Journal) {
        var state = SessionState(id: Journals.session)
        var settled: [MessageGroup] = []
        for (index, kind) in journal.kinds.enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
            let now = Array(state.closedGroups[..<state.settledGroupCount])
            #expect(Array(now.prefix(settled.count)) == settled)
            settled = now
        }
    }

    private static let answers: [MessageGroup] = [
        .answer([.text("x")]), .input(results: [], messages: [[.text("2")]]), .answer([.text("y")]),
    ]
    private static let summary = [Block.text("so far")]

    @Test(
        arguments: [
            (8, [.input(results: [], messages: [summary, [.text("2")]]), .answer([.text("y")])]),
            (7, [.input(results: [], messages: [summary])] + answers),
            (11, [.input(results: [], messages: [summary])]),
        ] as [(Int, [MessageGroup])])
    func aSummaryTakesThePlaceOfWhatStoodBefore(keptFrom: Int, history: [MessageGroup]) {
        var state = SessionState(id: Journals.session)
        for (index, kind) in (Journals.toSummarize + [Journals.compacted(keptFrom: keptFrom)]).enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
        }
        #expect(state.history == history)
        #expect(state.historyBytes == history.reduce(0) { $0 + $1.textBytes })
        #expect(state.messageCount == 6)
    }

    @Test func aSummaryNeverPartsACallFromItsResult() {
        var state = SessionState(id: Journals.session)
        for (index, kind) in (Journals.toSummarize + [Journals.compacted(keptFrom: 5)]).enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
        }
        #expect(state.history.first == .input(results: [], messages: [Self.summary]))
        #expect(state.history.count == 6)
    }

    @Test func aSessionThatIsReadFromItsLastSummaryIsTheSame() throws {
        var random = SplitMix(seed: 4711)
        var restarts = 0
        for _ in 0..<300 {
            let entries = Journals.withSummaries(using: &random)
            var whole = SessionState(id: Journals.session)
            for entry in entries { whole.apply(entry) }
            guard whole.restartSeq > 0, case .compacted(let compaction) = entries[whole.restartSeq - 1].kind else {
                continue
            }
            restarts += 1
            var state = try #require(
                SessionState(id: Journals.session, restartingAt: entries[whole.restartSeq - 1]))
            state.apply(entries[0])
            state.apply(entries[(compaction.totals?.contextSeq ?? 0) - 1])
            state.skip(to: compaction.keptFrom)
            for entry in entries where entry.seq >= compaction.keptFrom { state.apply(entry) }
            #expect(state == whole)
        }
        #expect(restarts > 200)
    }

    @Test func usageOfAbortedCallsCounts() {
        var state = SessionState(id: Journals.session)
        let part = Usage(inputTokens: 5, outputTokens: 2, cacheReadTokens: 1)
        for (index, kind) in [
            Entry.Kind.modelFailed(call: 0, attempt: 1, cause: "overloaded", usage: part),
            .modelAnswered(call: 0, blocks: [.text("a")], stopReason: .endTurn, usage: part),
        ].enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 0), run: nil, kind: kind))
        }
        #expect(state.usage == Usage(inputTokens: 10, outputTokens: 4, cacheReadTokens: 2))
        #expect(state.spending == .unknown)
    }

    @Test func costsAddUpUntilOneIsUnknown() {
        var state = SessionState(id: Journals.session)
        func apply(_ kind: Entry.Kind) {
            state.apply(Entry(seq: state.lastSeq + 1, at: Timestamp(milliseconds: 0), run: Journals.run, kind: kind))
        }
        func dollars(_ picodollars: UInt64) -> USDollars { USDollars(picodollars: picodollars) }
        apply(.runStarted(prompt: [.text("1")], overrides: nil))
        let call = ModelCall(call: 0, purpose: .turn, attempt: 1, provider: "p", model: "m", endpoint: "e")
        apply(.modelCalled(call))
        apply(.modelFailed(call: 0, attempt: 1, cause: "overloaded", usage: nil, spent: .zero))
        apply(.modelCalled(call))
        let spent = Spending(cost: dollars(5), bound: dollars(5))
        apply(.modelAnswered(call: 0, blocks: [.text("a")], stopReason: .endTurn, usage: Usage(), spent: spent))
        #expect(state.spending == spent)
        apply(.modelCalled(call))
        apply(
            .modelFailed(
                call: 0, attempt: 1, cause: "timeout", usage: nil, spent: Spending(cost: nil, bound: dollars(8))))
        #expect(state.spending == Spending(cost: nil, bound: dollars(13)))
        #expect(
            state.openRun?.modelCalls == [
                ModelCallRecord(call: call, usage: nil, cost: .zero, failure: "overloaded"),
                ModelCallRecord(call: call, usage: Usage(), cost: dollars(5)),
                ModelCallRecord(call: call, usage: nil, cost: nil, failure: "timeout"),
            ])
    }
}

/// Journals as runs and crashes leave them.
enum Journals {
    struct Journal: Sendable, CustomTestStringConvertible {
        var name: String
        var kinds: [Entry.Kind]
        var testDescription: String { name }
    }

    static let session = SessionID(UniqueID(high: 1, low: 1))
    static let run = RunID(UniqueID(high: 1, low: 2))
    private static let called = Entry.Kind.modelCalled(
        ModelCall(call: 0, purpose: .turn, attempt: 1, provider: "p", model: "m", endpoint: "e"))

    private static func answered(_ blocks: Block...) -> Entry.Kind {
        .modelAnswered(call: 0, blocks: blocks, stopReason: .endTurn, usage: nil)
    }

    private static func use(_ id: String) -> Block {
        .toolUse(ToolUse(id: id, name: "t", arguments: .emptyObject))
    }

    private static func started(_ id: String) -> Entry.Kind {
        .toolStarted(toolUseID: id, name: "t", arguments: .emptyObject, effect: .once)
    }

    private static func finished(_ id: String) -> Entry.Kind {
        .toolFinished(ToolResult(toolUseID: id, name: "t", content: [.text("r")], isError: false, origin: .ran))
    }

    private static func asked(_ text: String) -> Entry.Kind { .runStarted(prompt: [.text(text)], overrides: nil) }
    private static let interrupted = Entry.Kind.runFinished(.cancelled(reason: "interrupted"))

    static func compacted(keptFrom: Int) -> Entry.Kind {
        .compacted(Compaction(summary: [.text("so far")], keptFrom: keptFrom, usage: nil))
    }

    /// Entries as a run makes them, with summaries that keep a random part.
    static func withSummaries(using random: inout SplitMix) -> [Entry] {
        var state = SessionState(id: session)
        var entries: [Entry] = []
        func add(_ kind: Entry.Kind) {
            entries.append(
                Entry(seq: entries.count + 1, at: Timestamp(milliseconds: Int64(entries.count)), run: run, kind: kind))
            state.apply(entries[entries.count - 1])
        }
        add(.sessionCreated(SessionOptions(model: "m"), origin: nil))
        add(.contextSet(instructions: "i", tools: []))
        for _ in 0..<Int.random(in: 5..<60, using: &random) {
            let starts = state.closedGroups.indices.filter { $0 > 0 && !state.closedGroups[$0].hasResults }
            guard Int.random(in: 0..<8, using: &random) == 0, let start = starts.randomElement(using: &random) else {
                add(anyKind(using: &random, withSummaries: false))
                continue
            }
            let usage = Usage(inputTokens: 3, outputTokens: 1)
            add(
                .modelCalled(
                    ModelCall(call: 0, purpose: .compaction, attempt: 1, provider: "p", model: "m", endpoint: "e")))
            var compaction = Compaction(
                summary: [.text("\(entries.count)")], keptFrom: state.closedSeqs[start], usage: usage,
                spent: Spending(cost: USDollars(picodollars: 7), bound: USDollars(picodollars: 9)))
            var totals = state.totals
            totals.account(.compacted(compaction))
            compaction.totals = totals
            add(.compacted(compaction))
        }
        return entries
    }

    /// Two tool turns and an answer, entries 1 to 10.
    static let toSummarize = [
        asked("1"), called, answered(use("a")), started("a"), finished("a"), called, answered(.text("x")), asked("2"),
        called, answered(.text("y")),
    ]

    static let all = [
        Journal(
            name: "two turns",
            kinds: [asked("1"), called, answered(.text("a")), asked("2"), called, answered(.text("b"))]),
        Journal(
            name: "tools, then an answer",
            kinds: [
                asked("1"), called, answered(.text("t"), use("a"), use("b")), started("a"), started("b"),
                finished("b"), finished("a"), called, answered(.text("done")),
            ]),
        Journal(
            name: "steering while tools run",
            kinds: [
                asked("1"), called, answered(use("a")), started("a"),
                .messageAdded(origin: "steering", blocks: [.text("hurry")]), finished("a"), called,
                answered(.text("ok")),
            ]),
        Journal(
            name: "cut off while a tool ran, then a new turn",
            kinds: [
                asked("1"), called, answered(use("a"), use("b"), use("c")), started("a"), started("b"), finished("a"),
                asked("2"), called, answered(.text("ok")),
            ]),
        Journal(
            name: "closed by the next turn",
            kinds: [
                asked("1"), called, answered(use("a")), started("a"), finished("a"), interrupted, asked("2"), called,
                answered(.text("ok")),
            ]),
        Journal(
            name: "a failed run before a good one",
            kinds: [asked("1"), called, asked("2"), called, answered(.text("a"))]),
        Journal(
            name: "an empty answer", kinds: [asked("1"), called, answered(), asked("2"), called, answered(.text("a"))]),
        Journal(
            name: "a paused answer that goes on",
            kinds: [asked("1"), called, answered(.text("a")), called, answered(.text("b"), use("x")), finished("x")]),
        Journal(
            name: "results that belong to nothing",
            kinds: [finished("z"), asked("1"), finished("z"), called, answered(.text("a")), finished("z")]),
        Journal(
            name: "a result twice",
            kinds: [asked("1"), called, answered(use("a")), finished("a"), finished("a"), called, answered(.text("b"))]),
    ]

    static func anyKind(using random: inout SplitMix, withSummaries: Bool = true) -> Entry.Kind {
        let id = ["a", "b", "c"].randomElement(using: &random) ?? "a"
        switch Int.random(in: 0..<(withSummaries ? 11 : 9), using: &random) {
        case 0: return asked(id)
        case 1: return called
        case 2: return answered(.text(id))
        case 3: return answered(use("a"), use("b"))
        case 4: return answered()
        case 5: return started(id)
        case 6: return finished(id)
        case 7: return .messageAdded(origin: "steering", blocks: [.text(id)])
        case 8: return interrupted
        case 9: return .runResumed
        default: return compacted(keptFrom: Int.random(in: 0..<40, using: &random))
        }
    }
}

/// What every provider demands of a history.
enum HistoryValidator {
    struct Violation: Error { var text: String }

    static func check(_ history: [MessageGroup], _ context: String) throws {
        var calls: [String] = []
        var expectsInput = true
        for group in history {
            switch group {
            case .input(let results, let messages):
                guard expectsInput else { throw Violation(text: "\(context): two inputs in a row") }
                guard results.map(\.toolUseID) == calls else {
                    throw Violation(text: "\(context): results \(results.map(\.toolUseID)) for calls \(calls)")
                }
                guard !results.isEmpty || !messages.isEmpty else { throw Violation(text: "\(context): empty input") }
                calls = []
            case .answer(let blocks):
                guard !expectsInput else { throw Violation(text: "\(context): an answer to nothing") }
                guard !blocks.isEmpty else { throw Violation(text: "\(context): empty answer") }
                calls = blocks.toolUses.map(\.id)
            }
            expectsInput.toggle()
        }
        guard calls.isEmpty else { throw Violation(text: "\(context): unanswered calls \(calls)") }
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
