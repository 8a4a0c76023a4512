public import MeerkatJSON

/// Every setting, with its default.
///
/// A section is a struct, a key a property. `visit` names each key once, for reading, writing and listing alike; what a
/// table holds beyond that is kept in `unknown`.
public struct Configuration: ConfigSection {
    public var agent = Agent()
    public var provider = DefaultProvider()
    public var storage = Storage()
    public var budget = Budget()
    public var retry = Retry()
    public var timeouts = Timeouts()
    public var tools = Tools()
    public var models = Models()
    /// Most tokens of one answer; unset, it is `agent.max_tokens_per_turn`.
    public var maxTokens: Int?
    public var shell = Shell()
    public var store = Store()
    public var providers = Providers()
    public var comms = Comms()
    public var limits = Limits()
    public var rest = REST()
    public var subAgents = SubAgents()
    public var hooks = Hooks()
    public var skills = Skills()
    public var compaction = Compaction()
    public var unknown = JSONObject()

    public init() {}

    public mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError) {
        try keys.key("agent", &agent)
        try keys.key("provider", &provider)
        try keys.key("storage", &storage)
        try keys.key("budget", &budget)
        try keys.key("retry", &retry)
        try keys.key("timeouts", &timeouts)
        try keys.key("tools", &tools)
        try keys.key("models", &models)
        try keys.key("max_tokens", &maxTokens, 1...Int(UInt32.max), nilAs: .omitted)
        try keys.key("shell", &shell)
        try keys.key("store", &store)
        try keys.key("providers", &providers)
        try keys.key("comms", &comms)
        try keys.key("limits", &limits)
        try keys.key("rest", &rest)
        try keys.key("sub_agents", &subAgents)
        try keys.key("hooks", &hooks)
        try keys.key("skills", &skills)
        try keys.key("compaction", &compaction)
    }

    public static func canonical(_ object: JSONObject) -> JSONObject {
        guard let shell = object["shell"]?.object else { return object }
        var object = object
        object["shell"] = .object(Shell.canonical(shell))
        return object
    }

    /// The configuration as it is shown: every key, ``maxTokens`` with the value that counts, secrets as being set.
    public var shown: JSONObject {
        var copy = self
        copy.maxTokens = effectiveMaxTokens
        return SecretKeys.masked(copy.object)
    }

    /// Most tokens of one answer when a request does not say.
    public var effectiveMaxTokens: Int { maxTokens ?? agent.maxTokensPerTurn }
}
