internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// The keys by which a cloned repository could start programs, redirect keys or loosen policy.
enum SensitiveKeys {
    /// Those of a project file's tree that count only when they are trusted.
    ///
    /// A key that says what the layers below say anyway is none of them.
    static func all(in tree: JSONObject, below: Configuration) -> [ConfigPath] {
        let base = below.object
        var found: [ConfigPath] = []
        for path in leaves(of: tree) where tree[path] != base[path] && isSensitive(path, in: tree) {
            found.append(path)
        }
        return found + looserPolicy(in: tree, than: below.shell)
    }

    /// Every key with a value that is not a table, or an empty one.
    private static func leaves(of object: JSONObject, at path: ConfigPath = []) -> [ConfigPath] {
        object.members.flatMap { member in
            let path = path + member.name
            guard let inner = member.value.object, !inner.isEmpty else { return [path] }
            return leaves(of: inner, at: path)
        }
    }

    private static func isSensitive(_ path: ConfigPath, in tree: JSONObject) -> Bool {
        let names = path.names
        switch names[0] {
        case "provider": return names != ["provider", "base_url"] || !isLoopback(tree[path])
        case "providers":
            guard names.count == 3 else { return true }
            if names[1] == "base_urls" { return !isLoopback(tree[path]) }
            let isOwn = ["kind", "base_url", "models"].contains(names[2]) && names[1] != "api_keys"
            return !isOwn || !isLoopback(tree[["providers", names[1], "base_url"]])
        case "hooks": return true
        case "tools":
            return path == ["tools", "mcp_servers"] || path == ["tools", "shell_enabled"] && tree[path] != false
        case "shell": return path == ["shell", "program"]
        case "comms", "rest": return true
        case "skills":
            guard names[1...].first == "repositories" else { return false }
            return tree[path]?.array?.contains { ($0["type"] ?? $0["transport"] ?? "filesystem") != "filesystem" }
                ?? true
        default: return false
        }
    }

    private static func isLoopback(_ url: JSONValue?) -> Bool {
        guard let text = url?.string, let location = URLLocation(text) else { return false }
        return location.isLoopback && location.userInfo == nil
    }

    /// The keys of the shell's policy when they permit more than the policy below.
    private static func looserPolicy(in tree: JSONObject, than below: Configuration.Shell) -> [ConfigPath] {
        let environment: ConfigPath = ["shell", "env_allow"]
        let passesMore = words(tree[environment]).map { !$0.isSubset(of: below.allowedEnvironment) } ?? false
        let policy: [ConfigPath] = [["shell", "security_mode"], ["shell", "security_patterns"]]
        let given = policy.filter { tree[$0] != nil }
        let isLooser = below.securityMode != .unrestricted && !isAsStrict(tree, policy[0], policy[1], below)
        return (passesMore ? [environment] : []) + (isLooser ? given : [])
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

    // MARK: Fingerprints

    /// What trust in one key of a file is recorded as: a hash of its name and value.
    static func fingerprint(of path: ConfigPath, in tree: JSONObject) -> String {
        let name = JSONValue.array(path.names.map { .string($0) })
        return SHA256.hex(JSONValue.array([name, ordered(tree[path] ?? .null)]).jsonBytes)
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
