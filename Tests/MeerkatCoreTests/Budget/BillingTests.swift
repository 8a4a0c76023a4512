import MeerkatCore
import Testing

@Suite struct Billing {
    private static let refused: Set<Int> = [401, 402, 404, 413, 429]

    @Test(arguments: [
        (WireFormat.anthropicMessages, refused.union([403])),
        (.geminiGenerateContent, refused.union([400, 403, 500])),
        (.openAIResponses, refused),
        (.chatCompletions, refused),
    ])
    func aFailedCallIsFreeOnlyWhereThatIsKnown(format: WireFormat, free: Set<Int>) {
        #expect(Set((300...599).filter(format.isUnbilled(status:))) == free)
    }
}
