public import MeerkatJSON

/// The keys whose values are, or may be, credentials: stored for this user only, and shown as being set.
public enum SecretKeys {
    /// What is shown in place of a value that is set; given back, it stands for that value.
    public static let placeholder = "(set)"

    /// Members of a list's elements that are secret, by the list.
    private static let inLists: [ConfigPath: Set<String>] = [
        ["tools", "mcp_servers"]: ["env", "headers"], ["skills", "repositories"]: ["auth_token"],
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
        case "providers": return names.count == 3 && names[1] == "api_keys" || names.count == 4 && names[2] == "headers"
        default: return false
        }
    }

    // MARK: Showing

    /// A tree with ``placeholder`` in place of every secret.
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
        default: return .string(placeholder)
        }
    }

    // MARK: Taking back

    /// What was meant by a tree in which placeholders stand for values of `current`.
    public static func restored(_ given: JSONObject, from current: JSONObject) -> JSONObject {
        restored(.object(given), from: .object(current), at: []).object ?? given
    }

    private static func restored(_ given: JSONValue, from current: JSONValue?, at path: ConfigPath) -> JSONValue {
        switch given {
        case .string(placeholder) where isSecret(path): return current ?? .null
        case .object(var table):
            for member in table.members {
                table[member.name] = restored(member.value, from: current?[member.name], at: path + member.name)
            }
            return .object(table)
        case .array(let elements):
            guard let secret = inLists[path] else { return given }
            return .array(
                elements.enumerated().map { index, element in
                    let known = current?.array ?? []
                    let former: JSONValue =
                        known.first { $0["name"] != nil && $0["name"] == element["name"] }
                        ?? (known.indices.contains(index) ? known[index] : nil)
                    guard var table = element.object else { return element }
                    for name in secret {
                        table[name] = table[name].map { unhidden($0, from: former[name]) }
                    }
                    return .object(table)
                })
        default: return given
        }
    }

    private static func unhidden(_ value: JSONValue, from current: JSONValue?) -> JSONValue {
        switch value {
        case .string(placeholder): return current ?? .null
        case .object(var table):
            for member in table.members { table[member.name] = unhidden(member.value, from: current?[member.name]) }
            return .object(table)
        default: return value
        }
    }
}
