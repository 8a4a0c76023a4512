internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// What the settings of a project may say that nobody trusts: what is on a list of harmless keys, and limits and
/// policies where they are stricter than those below.
///
/// Whoever adds a setting and does not add it here has added one that counts only when it is trusted.
enum ProjectKeys {
    /// When a value of a project counts by itself.
    private enum Rule {
        case always
        /// When it is a number, or a duration, that is not greater.
        case atMost
        case only(JSONValue)
        /// When it is a path inside the project.
        case relativePath
        /// When it names this machine.
        case loopback
        /// When it is a list of names that all stand in the list below.
        case subset
    }

    private static let rules: [String: Rule] = [
        "agent.model": .always, "agent.system_prompt": .always, "agent.system_prompt_file": .relativePath,
        "agent.tool_instructions": .always, "agent.temperature": .always, "agent.fallback_models": .always,
        "agent.budget_warning_threshold": .always, "agent.output_schema": .always,
        "agent.structured_output_retries": .atMost, "agent.max_tokens_per_turn": .atMost, "agent.max_turns": .atMost,
        "max_tokens": .atMost,
        "models.anthropic": .always, "models.openai": .always, "models.gemini": .always,
        "sub_agents.default_provider": .always, "sub_agents.default_model": .always,
        "budget.max_tokens": .atMost, "budget.max_duration": .atMost, "budget.max_tool_calls": .atMost,
        "limits.budget": .atMost, "limits.max_duration": .atMost, "limits.max_cost_usd": .atMost,
        "limits.max_answer_bytes": .atMost, "limits.max_answer_tool_calls": .atMost,
        "limits.max_open_sessions": .atMost, "limits.loaded_bytes": .atMost,
        "retry.max_retries": .always, "retry.initial_delay": .always, "retry.max_delay": .always,
        "retry.multiplier": .always, "retry.rate_limit_floor": .always,
        "timeouts.connect": .always, "timeouts.first_token": .always, "timeouts.idle": .always,
        "compaction.enabled": .always, "compaction.auto_compact_threshold": .always,
        "compaction.recent_turn_budget": .always, "compaction.max_summary_tokens": .always,
        "compaction.min_turns_between_compactions": .always,
        "tools.default_timeout": .atMost, "tools.max_concurrent": .atMost, "tools.max_repeats": .atMost,
        "tools.builtins_enabled": .only(false), "tools.shell_enabled": .only(false),
        "tools.comms_enabled": .only(false), "tools.subagents_enabled": .only(false),
        "shell.timeout_secs": .atMost, "shell.env_allow": .subset, "shell.sandbox": .only("required"),
        "shell.network": .only(false), "shell.writable": .subset, "shell.readable": .subset,
        "skills.enabled": .only(false), "skills.max_injection_bytes": .atMost, "skills.inventory_threshold": .always,
        "store.durability": .only("power"),
        "provider.base_url": .loopback,
    ]

    /// The keys of a project file's tree that count only when they are trusted.
    ///
    /// A key that says what the layers below say anyway is none of them.
    static func needingTrust(in tree: JSONObject, below: Configuration) -> [ConfigPath] {
        let (base, limits) = (below.object, effective(below))
        let found = leaves(of: tree).filter { path in
            !isPolicy(path) && !(tree[path] ?? .null).means(base[path] ?? .null)
                && !isHarmless(path, in: tree, below: limits)
        }
        return found + looserPolicy(in: tree, than: below.shell)
    }

    /// The settings below, with what counts where a limit is not set.
    private static func effective(_ below: Configuration) -> JSONObject {
        var below = below
        below.maxTokens = below.effectiveMaxTokens
        below.agent.maxTurns = below.agent.maxTurns ?? Configuration.Agent.defaultMaxTurns
        // Both say the same, so neither loosens what the other says.
        let tokens = [below.limits.budget, below.budget.maxTokens].compactMap(\.self).min()
        let duration = [below.limits.maxDuration, below.budget.maxDuration].compactMap(\.self).min()
        (below.limits.budget, below.budget.maxTokens) = (tokens, tokens)
        (below.limits.maxDuration, below.budget.maxDuration) = (duration, duration)
        return below.object
    }

    /// Every key with a value that is not a table; an empty table says nothing.
    private static func leaves(of object: JSONObject, at path: ConfigPath = []) -> [ConfigPath] {
        object.members.flatMap { member in
            let path = path + member.name
            guard let inner = member.value.object, !ConfigLayers.isAtomic(path) else { return [path] }
            return leaves(of: inner, at: path)
        }
    }

    private static func isHarmless(_ path: ConfigPath, in tree: JSONObject, below: JSONObject) -> Bool {
        let value = tree[path] ?? .null
        switch rule(of: path) {
        case .always: return true
        case .atMost: return isAtMost(value, limit(at: path, in: below))
        case .only(let harmless): return value.means(harmless)
        case .relativePath: return value.string.map(isInside) ?? false
        case .loopback: return isLoopback(value)
        case .subset: return words(value)?.isSubset(of: words(below[path]) ?? []) ?? false
        // A section that this build does not know is shown, and does nothing.
        case nil: return isOwnLocalProvider(path, in: tree) || below[path.names[0]] == nil
        }
    }

    private static func rule(of path: ConfigPath) -> Rule? {
        switch (path.names.first, path.names.count) {
        case ("providers", 3) where path.names[1] == "base_urls": .loopback
        case ("tools", 3) where path.names[1] == "tool_timeouts": .atMost
        default: path.names.contains { $0.contains(".") } ? nil : rules[path.names.joined(separator: ".")]
        }
    }

    /// The limit in force; nil for an unlimited key.
    private static func limit(at path: ConfigPath, in below: JSONObject) -> JSONValue? {
        if let own = below[path], !own.isNull { return own }
        return path.starts(with: ["tools", "tool_timeouts"]) ? below[["tools", "default_timeout"]] : .none
    }

    private static func isAtMost(_ value: JSONValue, _ limit: JSONValue?) -> Bool {
        guard let amount = amount(value) else { return false }
        guard let limit else { return true }
        return self.amount(limit).map { amount <= $0 } ?? false
    }

    /// A number as it stands, a duration in milliseconds.
    private static func amount(_ value: JSONValue) -> Double? {
        if let number = value.double { return number }
        return (try? LooseDuration(config: value)).map { $0.duration / .milliseconds(1) }
    }

    private static func isInside(_ path: String) -> Bool {
        !path.hasPrefix("/") && !path.hasPrefix("~") && !path.split(separator: "/").contains("..")
    }

    // MARK: Providers

    /// Whether a key is one of a provider that the project defines on this machine.
    private static func isOwnLocalProvider(_ path: ConfigPath, in tree: JSONObject) -> Bool {
        let names = path.names
        guard names.count == 3, names[0] == "providers", names[1] != "api_keys",
            ["kind", "base_url", "models"].contains(names[2])
        else { return false }
        return isLoopback(tree[["providers", names[1], "base_url"]] ?? .null)
    }

    /// The base URLs that a project's tree has otherwise than the layers below.
    ///
    /// They count without being trusted where they name this machine; a key goes there only when they are trusted.
    static func ownURLs(in tree: JSONObject, below: Configuration) -> [ConfigPath] {
        let base = below.object
        let named = (tree["providers"]?["base_urls"]?.object?.members ?? []).map { member -> ConfigPath in
            ["providers", "base_urls", member.name]
        }
        let defined = (tree["providers"]?.object?.members ?? []).filter { $0.value.object != nil }.map {
            member -> ConfigPath in ["providers", member.name, "base_url"]
        }
        return ([["provider", "base_url"]] + named + defined).filter { tree[$0] != nil && tree[$0] != base[$0] }
    }

    /// The provider whose base URL stands at a path.
    ///
    /// - Parameters:
    ///   - path: One of ``ownURLs(in:below:)``.
    ///   - configuration: What is in force.
    /// - Returns: The canonical name.
    static func provider(of path: ConfigPath, in configuration: Configuration) -> String {
        switch path.names.count {
        case 2: configuration.provider.type.rawValue
        default: Configuration.canonicalProvider(path.names[1] == "base_urls" ? path.names[2] : path.names[1])
        }
    }

    private static func isLoopback(_ url: JSONValue) -> Bool {
        guard let text = url.string, let location = URLLocation(text) else { return false }
        return ["http", "https"].contains(location.scheme) && location.isLoopback && location.userInfo == nil
    }

    // MARK: The shell's policy

    private static let policy: [ConfigPath] = [["shell", "security_mode"], ["shell", "security_patterns"]]

    private static func isPolicy(_ path: ConfigPath) -> Bool { policy.contains(path) }

    /// The keys of the shell's policy when they permit more than the policy below.
    private static func looserPolicy(in tree: JSONObject, than below: Configuration.Shell) -> [ConfigPath] {
        let isLooser = below.securityMode != .unrestricted && !isAsStrict(tree, policy[0], policy[1], below)
        return isLooser ? policy.filter { tree[$0] != nil } : []
    }

    private static func isAsStrict(
        _ tree: JSONObject, _ mode: ConfigPath, _ patterns: ConfigPath, _ below: Configuration.Shell
    ) -> Bool {
        guard tree[mode].map({ $0 == below.securityMode.configJSON }) ?? true else { return false }
        guard let patterns = words(tree[patterns]) else { return true }
        return below.securityMode == .allowList
            ? patterns.isSubset(of: below.securityPatterns) : patterns.isSuperset(of: below.securityPatterns)
    }

    private static func words(_ list: JSONValue?) -> Set<String>? {
        list.map { Set(($0.array ?? []).compactMap(\.string)) }
    }

    // MARK: Kinds

    /// What keys could be used for, the worst first.
    private static let kinds: [[ConfigPath]] = [
        [["hooks"], ["tools", "mcp_servers"], ["shell"], ["tools", "shell_enabled"], ["tools"]],
        [["provider"], ["providers"], ["agent", "provider_params"], ["skills"], ["comms"], ["rest"]],
        [["storage"], ["store"], ["agent", "system_prompt_file"]],
    ]

    /// The keys, those first by which most harm could be done.
    static func worstFirst(_ paths: [ConfigPath]) -> [ConfigPath] {
        func rank(_ path: ConfigPath) -> Int {
            kinds.firstIndex { $0.contains { path.starts(with: $0) } } ?? kinds.count
        }
        return paths.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
            .map(\.element)
    }

    // MARK: Fingerprints

    /// Keys that mean something together only, and are trusted together.
    private static let groups: [[ConfigPath]] = [policy, [["provider", "type"], ["provider", "base_url"]]]

    /// What trust in one key of a file is recorded as: a hash of its name and value, and of the values that it goes with.
    static func fingerprint(of path: ConfigPath, in tree: JSONObject) -> String {
        let name = JSONValue.array(path.names.map { .string($0) })
        let values = groups.first { $0.contains(path) } ?? [path]
        return SHA256.hex(JSONValue.array([name] + values.map { ordered(tree[$0] ?? .null) }).jsonBytes)
    }

    private static func ordered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            var result = JSONObject()
            for member in object.members.sorted(by: { $0.name < $1.name }) {
                result[member.name] = ordered(member.value)
            }
            return .object(result)
        case .array(let elements): return .array(elements.map(ordered))
        default: return value
        }
    }
}

extension JSONObject {
    /// The object without some of its keys; tables that have nothing left go too.
    func removing(_ paths: [ConfigPath]) -> JSONObject {
        removing(paths.map { $0.names[...] })
    }

    private func removing(_ paths: [ArraySlice<String>]) -> JSONObject {
        guard !paths.isEmpty else { return self }
        let doomed = Dictionary(grouping: paths.filter { !$0.isEmpty }) { $0[$0.startIndex] }
        var kept = JSONObject()
        for member in members {
            guard let inner = doomed[member.name] else {
                kept[member.name] = member.value
                continue
            }
            guard inner.allSatisfy({ $0.count > 1 }), let table = member.value.object else { continue }
            let rest = table.removing(inner.map { $0.dropFirst() })
            if !rest.isEmpty { kept[member.name] = .object(rest) }
        }
        return kept
    }
}
