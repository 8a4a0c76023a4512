internal import MeerkatCore

/// What servers of Chat Completions differ in.
///
/// The defaults are for a server of which nothing is known: what OpenAI's own clients sent for years.
struct ChatDialect: Sendable, Hashable {
    typealias Definition = Configuration.ProviderDefinition

    var systemRole = Definition.SystemRole.system
    var limitField = Definition.LimitField.maxTokens
    /// Nil leaves it to the server.
    var parallelToolCalls: Bool?
    var toolCallID = Definition.ToolCallID.any
    /// A tool call that is only written about would be made, so that it has to be asked for.
    var findsCallsInText = false
    /// At the beginning of an answer, where templates of models put it, the tag has no other meaning; servers that do
    /// not know the model leave it in the text.
    var findsThinkTags = true
    /// Nil is where the reasoning came from.
    var reasoningField: Definition.ReasoningField?
    var requiresReasoning = false
    var structuredOutput = Definition.StructuredOutput.jsonSchema
    var asksForUsage = true
    private var keyHeader: String?

    init() {}

    init(_ definition: Definition) {
        systemRole = definition.systemRole ?? systemRole
        limitField = definition.maxTokensField ?? limitField
        parallelToolCalls = definition.parallelToolCalls
        toolCallID = definition.toolCallID ?? toolCallID
        findsCallsInText = definition.toolCallText ?? findsCallsInText
        findsThinkTags = definition.thinkTags ?? findsThinkTags
        reasoningField = definition.reasoningField
        requiresReasoning = definition.reasoningRequired ?? requiresReasoning
        structuredOutput = definition.structuredOutput ?? structuredOutput
        asksForUsage = definition.usageInStream ?? asksForUsage
        keyHeader = definition.apiKeyHeader.flatMap { $0.lowercased() == "authorization" ? nil : $0 }
    }

    /// The header that brings the key of `endpoint`, if it has one.
    func keyHeaders(of endpoint: Endpoint) -> [(name: String, value: String)] {
        guard let key = endpoint.key else { return [] }
        return [keyHeader.map { ($0, key.value) } ?? ("authorization", "Bearer \(key.value)")]
    }
}
