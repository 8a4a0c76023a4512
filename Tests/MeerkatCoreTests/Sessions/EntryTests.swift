import MeerkatCore
import MeerkatJSON
import Testing

@Suite struct Entries {
    private static let run = RunID(UniqueID(high: 3, low: 4))
    private static let result = RunResult(
        session: SessionID(UniqueID(high: 1, low: 2)), run: run, text: "Zoë 🦫", turns: 2, toolCalls: 1,
        usage: Usage(inputTokens: 1, outputTokens: 2, cacheCreationTokens: 3), stopReason: "max_turns", provider: "p",
        model: "m", endpoint: "e")
    private static let signature = ProviderData(
        format: .anthropicMessages, model: "m", json: RawJSON(encoding: "sig\u{0}\u{1F600}"))
    private static let arguments = try? RawJSON(#"{"b": 1.50, "a":[true , null]}"#)

    private static var fullOptions: SessionOptions {
        var options = SessionOptions(
            model: "m", provider: "p", maxTokens: 5, systemPrompt: "", providerParams: ["a": ["b": 1]])
        options.temperature = 0.5
        options.outputSchema = OutputSchema(
            schema: ["type": "object"], name: "n", isStrict: true, compatibility: .strict)
        options.structuredOutputRetries = 0
        options.enableBuiltins = true
        options.enableShell = false
        options.workingDirectory = "/tmp"
        options.limits = RunLimits(maxTokens: 1, maxDurationMs: 2, maxToolCalls: 0, maxTurns: 4)
        return options
    }

    private static var fullResult: RunResult {
        var result = result
        result.structuredOutput = try? RawJSON(#"{"b": 1.50}"#)
        result.schemaWarnings = [SchemaWarning(provider: "p", path: "/a", message: "w")]
        return result
    }

    private static var fullTotals: SessionTotals {
        var state = SessionState(id: SessionID(UniqueID(high: 1, low: 2)))
        let kinds: [Entry.Kind] = [
            .contextSet(instructions: "i", tools: []), .runStarted(prompt: [.text("p")], overrides: fullOptions),
            .modelCalled(
                ModelCall(call: 4, purpose: .extraction, attempt: 3, provider: "p", model: "m", endpoint: "e")),
            .modelAnswered(
                call: 4, blocks: [.text("t"), .toolUse(ToolUse(id: "c", name: "n", arguments: .emptyObject))],
                stopReason: .toolUse, usage: Usage(inputTokens: 1, outputTokens: 2)),
            .processStarted(toolUseID: "c", ToolProcess(pid: 1, startTime: 2, boot: "b")),
            .modelCalled(ModelCall(call: 5, purpose: .turn, attempt: 2, provider: "p", model: "m", endpoint: "e")),
        ]
        for (index, kind) in kinds.enumerated() {
            state.apply(Entry(seq: index + 1, at: Timestamp(milliseconds: 1), run: run, kind: kind))
        }
        return state.totals
    }

    /// A file that ends behind its size.
    private static let picture = [try? Image(base64: "R0lGODdhBwAJAA==")].compactMap { $0.map { Block.image($0) } }

    private static let kinds: [Entry.Kind] = [
        .sessionCreated(fullOptions, origin: nil),
        .sessionCreated(SessionOptions(), origin: .forked(SessionID(UniqueID(high: 5, low: 6)), seq: 12)),
        .contextSet(
            instructions: "Be brief.\n",
            tools: [ToolDefinition(name: "t", description: "d", inputSchema: .emptyObject)]),
        .runStarted(prompt: [.text("Hi"), .text("")], overrides: nil),
        .runStarted(prompt: [], overrides: fullOptions),
        .runResumed,
        .messageAdded(origin: "steering", blocks: [.text("x")]),
        .modelCalled(ModelCall(call: 1, purpose: .extraction, attempt: 2, provider: "p", model: "m", endpoint: "e")),
        .modelFailed(call: 1, attempt: 2, cause: "overloaded", usage: Usage(inputTokens: 1, outputTokens: 0)),
        .modelFailed(call: 1, attempt: 2, cause: "timeout", usage: nil),
        .modelFailed(call: 1, attempt: 2, cause: "timeout", usage: nil, spent: Spending(cost: nil, bound: .zero)),
        .runStarted(prompt: [.text("What is it?")] + picture, overrides: nil),
        .modelAnswered(
            call: 1,
            blocks: [
                .reasoning(text: "Hm", data: signature), .reasoning(text: "", data: nil), .text("A"),
                .toolUse(ToolUse(id: "c", name: "t", arguments: arguments)),
                .toolUse(ToolUse(id: "d", name: "t", arguments: nil, malformedArguments: #"{"a"#)), .opaque(signature),
                .toolUse(ToolUse(id: "e", name: "t", arguments: arguments, data: signature)),
            ], stopReason: .toolUse, usage: Usage(inputTokens: .max, outputTokens: 1, reasoningTokens: 1),
            spent: Spending(cost: USDollars(picodollars: 1), bound: USDollars(picodollars: .max))),
        .toolStarted(toolUseID: "c", name: "t", arguments: arguments ?? .emptyObject, effect: .idempotent),
        .toolFinished(
            ToolResult(toolUseID: "c", name: "t", content: [.text("r")], isError: false, origin: .effectUnknown)),
        .processStarted(toolUseID: "c", ToolProcess(pid: 4711, startTime: .max, boot: "b")),
        .compacted(
            Compaction(summary: [.text("So far")], keptFrom: 7, usage: Usage(inputTokens: 1, outputTokens: 2))),
        .compacted(Compaction(summary: [], keptFrom: 0, usage: nil)),
        .compacted(Compaction(summary: [], keptFrom: 9, usage: nil, totals: fullTotals)),
        .runFinished(.completed(result)),
        .runFinished(.completed(fullResult)),
        .runFinished(.failed(RecordedFailure(code: .providerError, message: "no", details: ["reason": "timeout"]))),
        .runFinished(.cancelled(reason: "interrupted")),
        .archived,
    ]

    @Test(arguments: kinds.indices)
    func eachKindIsReadBackAsItWasWritten(index: Int) throws {
        let entry = Entry(
            seq: index + 1, at: Timestamp(milliseconds: 1_767_225_600_123),
            run: index.isMultiple(of: 2) ? Self.run : nil,
            kind: Self.kinds[index])
        #expect(try read(entry.jsonBytes) == .entry(entry))
        #expect(Self.picture.count == 1)
    }

    @Test func unknownMembersAreIgnored() throws {
        let entry = Entry(seq: 1, at: Timestamp(milliseconds: 5), run: nil, kind: .archived)
        let text = #"{"seq":1,"at":5,"v":1,"kind":"archived","by":{"later":["rkat"]}}"#
        #expect(try read(Array(text.utf8)) == .entry(entry))
    }

    @Test(arguments: [
        (#"{"seq":9,"at":5,"v":2,"kind":"archived","content":7}"#, 2, "archived"),
        (#"{"seq":9,"at":5,"v":1,"kind":"teleported","content":7}"#, 1, "teleported"),
    ])
    func whatANewerBinaryWroteIsNotSkipped(text: String, version: Int, kind: String) throws {
        #expect(
            try read(Array(text.utf8)) == .unreadable(UnreadableEntry(seq: 9, version: version, kind: kind)))
    }

    @Test func damagedBytesAreAnError() {
        #expect(throws: JSONError.self) { try read(Array(#"{"seq":1,"at":5,"v":1,"kind":"run_finis"#.utf8)) }
    }

    private func read(_ bytes: [UInt8]) throws -> Entry.Stored {
        try bytes.withUnsafeBytes { try Entry.read($0) }
    }
}
