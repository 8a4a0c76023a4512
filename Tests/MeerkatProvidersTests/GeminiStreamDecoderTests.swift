import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

@Suite struct GeminiStreamDecoderTests {
    static func parts(_ parts: String) -> String {
        #"{"candidates":[{"content":{"parts":[\#(parts)],"role":"model"},"index":0}],"responseId":"R-1_a"}"#
    }

    static func end(_ reason: String, _ members: String = "") -> String {
        #"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"\#(reason)","index":0\#(members)}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":2,"toolUsePromptTokenCount":90,"totalTokenCount":107}}"#
    }

    static let usage = Usage(inputTokens: 10, outputTokens: 7, cacheReadTokens: 4, reasoningTokens: 2)

    private static func data(_ json: String) throws -> ProviderData {
        try ProviderData(.geminiGenerateContent, "gemini", json)
    }

    private static func blocks(_ events: String...) -> [Block]? {
        Outcome.gemini(stream(events + [end("STOP")])).answer?.blocks
    }

    @Test func allKindsOfPartsBecomeTheAnswer() throws {
        let outcome = Outcome.gemini(
            stream(
                Self.parts(#"{"text":"Let me ","thought":true}"#),
                Self.parts(#"{"thought":true,"text":"see."},{"text":"\u00fcber"}"#),
                Self.parts(#"{"text":"\ud83c\udf0d"}"#),
                Self.parts(#"{"functionCall":{"name":"search","args":{"q": 1.0}},"thoughtSignature":"s/g=="}"#),
                Self.parts(#"{"functionCall":{"id":"given","name":"now"}},{"functionCall":{"name":"now","args":{}}}"#),
                Self.end("STOP")))
        let answer = ModelAnswer(
            blocks: [
                .reasoning(text: "Let me see.", data: nil), .text("über🌍"),
                .toolUse(
                    ToolUse(
                        id: "gemini_R-1_a_1", name: "search", arguments: try RawJSON(#"{"q": 1.0}"#),
                        data: try Self.data(#"{"thoughtSignature":"s/g=="}"#))),
                .toolUse(ToolUse(id: "given", name: "now", arguments: .emptyObject)),
                .toolUse(ToolUse(id: "gemini_R-1_a_3", name: "now", arguments: .emptyObject)),
            ],
            stopReason: .endTurn, usage: Self.usage)
        #expect(
            outcome
                == Outcome(
                    answer: answer, text: "über🌍", reasoning: "Let me see.", finishedReasoning: ["Let me see."]))
    }

    @Test func partsOfTheProvidersOwnAreKeptAsTheyAre() throws {
        let code = #"{"executableCode": {"language":"PYTHON","code":"1\n"},"thoughtSignature":"a"}"#
        let result = #"{"codeExecutionResult":{"outcome":"OUTCOME_OK"}}"#
        #expect(
            Self.blocks(Self.parts(#"\#(code),{"text":""}"#), Self.parts("\(result),{\"text\":\"One\"}"))
                == [.opaque(try Self.data(code)), .opaque(try Self.data(result)), .text("One")])
        let image = #"{"inlineData":{"mimeType":"image/png","data":"AA=="},"new":[1.50]}"#
        #expect(Self.blocks(Self.parts(image)) == [.opaque(try Self.data(image))])
    }

    @Test func signaturesKeepTheirPlace() throws {
        let blocks = Self.blocks(
            Self.parts(#"{"text":"Hm","thought":true}"#), Self.parts(#"{"thought":true,"thoughtSignature":"t"}"#),
            Self.parts(#"{"text":"a"}"#), Self.parts(#"{"text":"b","thoughtSignature":"s"}"#),
            Self.parts(#"{"text":"c"}"#), Self.parts(#"{"text":"","thoughtSignature":"e"}"#))
        #expect(
            try blocks == [
                .reasoning(text: "Hm", data: Self.data(#"{"thought":true,"thoughtSignature":"t"}"#)), .text("a"),
                .text("b"), .reasoning(text: "", data: Self.data(#"{"thoughtSignature":"s"}"#)), .text("c"),
                .reasoning(text: "", data: Self.data(#"{"text":"","thoughtSignature":"e"}"#)),
            ])
    }

    @Test(arguments: [
        ("STOP", StopReason.endTurn), ("MAX_TOKENS", .maxTokens), ("SAFETY", .contentFilter),
        ("RECITATION", .contentFilter), ("LANGUAGE", .contentFilter), ("BLOCKLIST", .contentFilter),
        ("PROHIBITED_CONTENT", .contentFilter), ("SPII", .contentFilter), ("IMAGE_SAFETY", .contentFilter),
        ("TOOL_CALL", .toolUse), ("OTHER", .endTurn), ("SOMETHING_NEW", .endTurn),
    ])
    func stopReasons(_ reason: String, _ expected: StopReason) {
        let answer = Outcome.gemini(stream(Self.parts(#"{"text":"x"}"#), Self.end(reason))).answer
        #expect(answer == ModelAnswer(blocks: [.text("x")], stopReason: expected, usage: Self.usage))
    }

    @Test func aRefusalIsAnAnswer() {
        let blocked = #"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9}}"#
        let refusal = ModelAnswer(blocks: [], stopReason: .contentFilter, usage: Usage(inputTokens: 9))
        #expect(Outcome.gemini(stream(blocked)) == Outcome(answer: refusal))
        let stopped = #"{"candidates":[{"finishReason":"SAFETY","index":0}],"usageMetadata":{"promptTokenCount":9}}"#
        #expect(Outcome.gemini(stream(stopped)) == Outcome(answer: refusal))
        let fine = #"{"promptFeedback":{"blockReason":"BLOCK_REASON_UNSPECIFIED"}}"#
        #expect(Outcome.gemini(stream(fine)).error?.reason == .incomplete)
    }

    @Test(arguments: [
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    ])
    func whatTheModelGotWrongIsTriedAgain(_ reason: String) {
        let event = Self.end(reason, #","finishMessage":"Bad call:\n f(""#)
        let error = Outcome.gemini(stream(event)).error
        #expect(error?.reason == .malformedResponse)
        #expect(error?.isRetryable == true)
        #expect(error?.message == "the provider's answer cannot be read: the model ended with \(reason): Bad call: f(")
    }

    @Test(arguments: [
        (429, "RESOURCE_EXHAUSTED", ProviderError.Reason.rateLimited, true), (503, "UNAVAILABLE", .overloaded, true),
        (500, "INTERNAL", .serverError, true), (504, "DEADLINE_EXCEEDED", .serverError, true),
        (400, "INVALID_ARGUMENT", .invalidRequest, false), (400, "FAILED_PRECONDITION", .invalidRequest, false),
        (401, "UNAUTHENTICATED", .authentication, false), (403, "PERMISSION_DENIED", .permissionDenied, false),
        (404, "NOT_FOUND", .modelNotFound, false),
    ])
    func errorsInTheStreamAreTyped(_ code: Int, _ status: String, _ reason: ProviderError.Reason, isRetryable: Bool) {
        for members in [#""code":\#(code),"#, ""] {
            let event =
                #"{"error":{\#(members)"message":"Sorry","status":"\#(status)","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12s"}]}}"#
            for event in [event, "[\(event)]"] {
                let outcome = Outcome.gemini(stream(Self.parts(#"{"text":"so far"}"#), event))
                #expect(outcome.error?.reason == (status == "DEADLINE_EXCEEDED" && members.isEmpty ? .timeout : reason))
                #expect(outcome.error?.message == "the provider reported an error (\(status)): Sorry")
                #expect(outcome.error?.isRetryable == isRetryable)
                #expect(outcome.error?.retryAfterMilliseconds == 12_000)
                #expect(outcome.text == "so far")
            }
        }
    }

    @Test func whatIsNotKnownIsIgnored() {
        let events = [
            #"{"new":1}"#, "null", "[]", #"{"candidates":[]}"#, #"{"candidates":[{"content":{"role":"model"}}]}"#,
            #"{"candidates":[{"content":{"parts":[7,{},{"thought":true},{"text":5},{"inlineData":null,"functionCall":null}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"yes","new":{}}]},"safetyRatings":[]},{"index":1,"content":{"parts":[{"text":"no"}]}}]}"#,
            #"{"candidates":[{"content":{"parts":[{"text":"no"}]},"index":1}]}"#,
            #"{"usageMetadata":{"trafficType":"ON_DEMAND","promptTokenCount":"7"}}"#,
            #"{"candidates":[{"finishReason":"STOP"}]}"#,
        ]
        let answer = ModelAnswer(blocks: [.text("yes")], stopReason: .endTurn, usage: nil)
        #expect(Outcome.gemini(stream(events)) == Outcome(answer: answer, text: "yes"))
    }

    @Test func theLastCountsHold() {
        let first = #"{"usageMetadata":{"promptTokenCount":1,"thoughtsTokenCount":1}}"#
        let last = #"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#
        let events = [first, Self.end("STOP"), last]
        #expect(Outcome.gemini(stream(events)).answer?.usage == Usage(inputTokens: 3, outputTokens: 4))
    }

    @Test func theAnswerIsCompleteWithItsFinishReason() {
        let text = Self.parts(#"{"text":"x"}"#)
        #expect(Outcome.gemini(stream(text)).error?.reason == .incomplete)
        #expect(Outcome.gemini(stream(text), Array("data: {\"cand".utf8)).error?.reason == .incomplete)
        #expect(Outcome.gemini([]).error?.reason == .incomplete)
        // Some servers repeat the reason with each chunk.
        let early = Outcome.gemini(stream(Self.end("STOP"), text, Self.end("MAX_TOKENS"), "{broken"))
        #expect(
            early
                == Outcome(
                    answer: ModelAnswer(blocks: [.text("x")], stopReason: .maxTokens, usage: Self.usage), text: "x"))
    }

    // MARK: Calls in pieces

    private static func call(_ members: String) -> String { parts(#"{"functionCall":{\#(members)}}"#) }

    private static func piece(_ members: String, isLast: Bool = false) -> String {
        call(#""partialArgs":[{\#(members)}]"# + (isLast ? "" : #","willContinue":true"#))
    }

    @Test func argumentsInPiecesArePutTogether() throws {
        let blocks = Self.blocks(
            Self.call(#""name":"f","willContinue":true"#),
            Self.piece(#""jsonPath":"$.a[0].b","stringValue":"on","willContinue":true"#),
            Self.piece(#""jsonPath":"$.a[0].b","stringValue":"e"}, {"jsonPath":"$.a[0].c","numberValue":1.50"#),
            Self.piece(#""jsonPath":"$.a[1]","nullValue":"NULL_VALUE""#), Self.call(#""willContinue":true"#),
            Self.piece(#""jsonPath":"$['d.\\'e']","boolValue":true"#), Self.call(""),
            Self.call(#""name":"g","willContinue":true"#),
            Self.piece(#""jsonPath":"$.x","stringValue":"open","willContinue":true"#, isLast: true),
            Self.call(#""name":"h""#), Self.call(""))
        #expect(
            try blocks == [
                .toolUse(
                    ToolUse(
                        id: "gemini_R-1_a_1", name: "f",
                        arguments: RawJSON(#"{"a":[{"b":"one","c":1.50},null],"d.'e":true}"#))),
                .toolUse(ToolUse(id: "gemini_R-1_a_2", name: "g", arguments: RawJSON(#"{"x":"open"}"#))),
                .toolUse(ToolUse(id: "gemini_R-1_a_3", name: "h", arguments: .emptyObject)),
            ])
    }

    @Test(arguments: [
        #""jsonPath":"$.a[7]","stringValue":"x""#, #""jsonPath":"a","stringValue":"x""#, #""stringValue":"x""#,
        #""jsonPath":"$.a""#, #""jsonPath":"$..a","numberValue":1"#, #""jsonPath":"$.a[-1]","numberValue":1"#,
        #""jsonPath":"$[0]","numberValue":1"#, #""jsonPath":"$['a","numberValue":1"#,
    ])
    func piecesWithoutAPlaceMakeTheArgumentsMalformed(_ members: String) {
        let blocks = Self.blocks(Self.call(#""name":"f","willContinue":true"#), Self.piece(members))
        #expect(
            blocks == [
                .toolUse(ToolUse(id: "gemini_R-1_a_1", name: "f", arguments: nil, malformedArguments: "{}"))
            ])
    }

    @Test func argumentsThatWereCutOffAreNotGuessed() {
        let start = Self.call(#""name":"f","willContinue":true"#)
        let piece = Self.piece(#""jsonPath":"$.path","stringValue":"/tm","willContinue":true"#)
        func cut(_ text: String) -> [Block] {
            [.toolUse(ToolUse(id: "gemini_R-1_a_1", name: "f", arguments: nil, malformedArguments: text))]
        }
        #expect(
            Outcome.gemini(stream(start, piece, Self.end("MAX_TOKENS"))).answer?.blocks == cut(#"{"path":"/tm"}"#))
        #expect(Outcome.gemini(stream(start, Self.end("MAX_TOKENS"))).answer?.blocks == cut(""))
    }

    @Test(arguments: [call(#""args":{}"#), piece(#""jsonPath":"$.a","numberValue":1"#), "{broken", #""text""#])
    func whatTheFormatDoesNotAllowIsMalformed(_ event: String) {
        let outcome = Outcome.gemini(stream(event, Self.end("STOP")))
        // A value that is no object says nothing.
        #expect(outcome.error?.reason == (event == #""text""# ? nil : .malformedResponse))
    }

    @Test func bytesThatAreNoUTF8AreReplaced() {
        var events = stream(Self.parts(#"{"text":"a?b"}"#), Self.end("STOP"))
        for index in events.indices where events[index] == UInt8(ascii: "?") { events[index] = 0xFF }
        #expect(Outcome.gemini(events).answer?.blocks == [.text("a\u{FFFD}b")])
    }

    // MARK: Without a stream

    private func whole(_ json: String) throws -> (ModelAnswer, [Event]) {
        var decoder = GeminiStreamDecoder(model: "gemini", failure: ProviderFailure(key: nil))
        var batch = EventBatch()
        try decoder.decode(whole: Array(json.utf8), into: &batch)
        return (try decoder.finish(into: &batch), batch.events)
    }

    @Test func anAnswerThatIsNotStreamedIsTaken() throws {
        let chunks = [
            Self.parts(#"{"text":"Hm","thought":true},{"text":"Hi"}"#), Self.parts(#"{"text":"!"}"#), Self.end("STOP"),
        ]
        let (answer, events) = try whole("[" + chunks.joined(separator: "\n,\r\n") + "]")
        #expect(
            answer
                == ModelAnswer(
                    blocks: [.reasoning(text: "Hm", data: nil), .text("Hi!")], stopReason: .endTurn, usage: Self.usage))
        #expect(
            events == [
                .reasoningDelta(ReasoningDelta(delta: "Hm")), .reasoningComplete(ReasoningComplete(content: "Hm")),
                .textDelta(TextDelta(delta: "Hi")), .textDelta(TextDelta(delta: "!")),
            ])
        #expect(try whole(#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#).0.blocks == [.text("Hi")])
    }

    @Test(arguments: [
        (#"{"error":{"code":400,"status":"INVALID_ARGUMENT"}}"#, ProviderError.Reason.invalidRequest),
        (#"[{"error":{"status":"UNAVAILABLE"}}]"#, .overloaded), ("{}", .malformedResponse), ("[]", .malformedResponse),
        (#"{"models":[]}"#, .malformedResponse), ("[{", .malformedResponse),
    ])
    func aBodyWithoutAnAnswerIsAnError(_ json: String, _ reason: ProviderError.Reason) {
        #expect { try whole(json) } throws: { ($0 as? ProviderError)?.reason == reason }
    }
}
