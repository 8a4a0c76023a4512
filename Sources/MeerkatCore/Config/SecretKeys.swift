public import MeerkatJSON

/// The keys whose values are, or may be, credentials: stored for this user only, and shown as being set.
public enum SecretKeys {
    /// What is shown in place of a value that is set; given back, it stands for that value.
    public static let mask = "(set)"

    /// Members of a list's elements that are secret, by the list.
    private static let inLists: [ConfigPath: Set<String>] = [
        ["tools", "mcp_servers"]: ["env", "headers"], ["skills", "repositories"]: ["auth_token", "auth_bearer"],
    ]

    /// Whether a value is a secret, or a list that holds one.
    public static func contains(_ path: ConfigPath, _ value: JSONValue?) -> Bool {
        if isSecret(path) { return true }
        guard let secret = inLists[path], let elements = value?.array else { return false }
        return elements.contains {
            $0.object?.members.contains { secret.contains($0.name) && !$0.value.isNull } ?? false
        }
    }

    private static func isSecret(_ path: ConfigPath) -> Bool {
        let names = path.names
        switch names.first {
        case "provider": return names == ["provider", "api_key"]
        case "providers":
            // A provider has no key of this name; whoever writes one means a secret all the same.
            return names.count == 3 && (names[1] == "api_keys" || names[2] == "api_key")
                || names.count == 4 && names[2] == "headers"
        default: return false
        }
    }

    // MARK: Showing

    /// A tree with ``mask`` in place of every secret.
    public static func masked(_ tree: JSONObject) -> JSONObject {
        masked(.object(tree), at: []).object ?? tree
    }

    /// A value as it may be shown.
    public static func masked(_ value: JSONValue, at path: ConfigPath) -> JSONValue {
        if isSecret(path) { return hidden(value) }
        switch value {
        case .object(var table):
            for member in table.members { table[member.name] = masked(member.value, at: path + member.name) }
            return .object(table)
        case .array(let elements):
            guard let secret = inLists[path] else { return value }
            return .array(
                elements.map { element in
                    guard var table = element.object else { return element }
                    for name in secret { table[name] = table[name].map(hidden) }
                    return .object(table)
                })
        default: return value
        }
    }

    private static func hidden(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .string(""): return value
        case .object(var table):
            for member in table.members { table[member.name] = hidden(member.value) }
            return .object(table)
        default: return .string(mask)
        }
    }

    // MARK: Taking back

    /// What was meant by a tree in which masks stand for values of `current`.
    ///
    /// - Throws: ``ConfigError/Reason/invalid(_:)`` for a mask that stands for nothing certain.
    public static func restored(_ given: JSONObject, from current: JSONObject) throws(ConfigError) -> JSONObject {
        try restored(.object(given), from: .object(current), at: []).object ?? given
    }

    private static func restored(
        _ given: JSONValue, from current: JSONValue?, at path: ConfigPath
    ) throws(ConfigError) -> JSONValue {
        switch given {
        case .string(mask) where isSecret(path): return try known(current, at: path)
        case .object(var table):
            for member in table.members {
                let path = path + member.name
                table[member.name] = try restored(member.value, from: current?[member.name], at: path)
            }
            return .object(table)
        case .array(var elements):
            guard let secret = inLists[path] else { return given }
            for (index, element) in elements.enumerated() {
                guard var table = element.object else { continue }
                for name in secret {
                    guard let value = table[name], containsMask(value) else { continue }
                    let former = former(of: element, in: current?.array ?? [], without: secret)
                    table[name] = try unhidden(value, from: former?[name], at: path + String(index) + name)
                }
                elements[index] = .object(table)
            }
            return .array(elements)
        default: return given
        }
    }

    /// The only element with the same name, or else the only one that says the same but for its secrets.
    private static func former(
        of element: JSONValue, in known: [JSONValue], without secret: Set<String>
    ) -> JSONValue? {
        func open(_ element: JSONValue) -> JSONObject? {
            guard var table = element.object else { return nil }
            for name in secret { table[name] = nil }
            return table
        }
        let name = element["name"]?.string ?? ""
        let named = name.isEmpty ? [] : known.filter { $0["name"]?.string == name }
        let equal = known.filter { open($0) == open(element) }
        return named.count == 1 ? named[0] : equal.count == 1 ? equal[0] : Optional<JSONValue>.none
    }

    private static func containsMask(_ value: JSONValue) -> Bool {
        value == .string(mask) || value.object?.members.contains { containsMask($0.value) } ?? false
    }

    private static func unhidden(
        _ value: JSONValue, from current: JSONValue?, at path: ConfigPath
    ) throws(ConfigError) -> JSONValue {
        switch value {
        case .string(mask): return try known(current, at: path)
        case .object(var table):
            for member in table.members {
                let path = path + member.name
                table[member.name] = try unhidden(member.value, from: current?[member.name], at: path)
            }
            return .object(table)
        default: return value
        }
    }

    private static func known(_ value: JSONValue?, at path: ConfigPath) throws(ConfigError) -> JSONValue {
        guard let value, !value.isNull else {
            throw ConfigError(.invalid("\"\(mask)\" stands for a value that is set, and none is"), key: path)
        }
        return value
    }
}
