public import MeerkatJSON

/// What the files say, as trees: the one that is written to, and what counts where it is silent.
///
/// Layers merge key by key; tables merge, other values replace. Two keys differ: `agent.output_schema` replaces as a
/// whole, and `hooks.entries` adds to the entries below, one with a known `id` taking the other's place.
public struct ConfigLayers: Sendable, Hashable {
    public private(set) var below: JSONObject
    public private(set) var top: JSONObject

    public init(below: JSONObject = JSONObject(), top: JSONObject) {
        self.below = Configuration.canonical(below)
        self.top = Configuration.canonical(top)
    }

    /// The configuration that all layers make together.
    public func configuration() throws(ConfigError) -> Configuration {
        try Configuration(config: .object(merged))
    }

    /// Both layers as one tree.
    public var merged: JSONObject { Self.merge(.object(below), .object(top), at: []).object ?? top }

    // MARK: Writing

    /// The upper layer that makes `given`, defaults for the rest, the configuration.
    ///
    /// It holds only the keys that differ from the layers below. A value below that `given` does not have and that
    /// has no default to be written instead, such as a name in a table, cannot be taken away: it stays visible.
    public func replacing(with given: JSONObject) throws(ConfigError) -> JSONObject {
        let given = Configuration.canonical(given)
        let wanted = try Configuration(config: .object(given))
        guard given.isEmpty || wanted.unknown.members.count < given.members.count else {
            throw ConfigError(.noKnownKey)
        }
        try wanted.validate()
        let change = Change(base: try Configuration(config: .object(below)).object, spelled: given)
        return try withoutNeedlessMaxTokens(change.difference(wanted.object, at: []))
    }

    /// The upper layer after a merge patch (RFC 7396) to the configuration; `null` removes its key.
    public func patching(with patch: JSONObject) throws(ConfigError) -> JSONObject {
        let patch = Configuration.canonical(patch)
        let patched = JSONValue.object(try configuration().object).applying(mergePatch: .object(patch))
        let wanted = try Configuration(config: patched)
        let change = Change(
            base: try Configuration(config: .object(below)).object, spelled: patched.object ?? JSONObject())
        var result = change.apply(patch, to: top, wanted: wanted.object, at: [])
        if patch["max_tokens"] != nil { result = try withoutNeedlessMaxTokens(result) }
        try ConfigLayers(below: below, top: result).configuration().validate()
        return result
    }

    /// `max_tokens` falls back on `agent.max_tokens_per_turn` and need not be stored when that says the same.
    private func withoutNeedlessMaxTokens(_ tree: JSONObject) throws(ConfigError) -> JSONObject {
        guard tree["max_tokens"] != nil else { return tree }
        var shorter = tree
        shorter["max_tokens"] = nil
        let full = try ConfigLayers(below: below, top: tree).configuration()
        return try ConfigLayers(below: below, top: shorter).configuration().effectiveMaxTokens
            == full.effectiveMaxTokens
            ? shorter : tree
    }

    // MARK: Merging

    private static func merge(_ below: JSONValue, _ top: JSONValue, at path: ConfigPath) -> JSONValue {
        switch (below, top) {
        case (.object(var merged), .object(let top)) where !isAtomic(path):
            for member in top.members {
                merged[member.name] =
                    merged[member.name].map { merge($0, member.value, at: path + member.name) } ?? member.value
            }
            return .object(merged)
        case (.array(var merged), .array(let top)) where path == hookEntries:
            for entry in top {
                if let id = entry["id"], let index = merged.firstIndex(where: { $0["id"] == id }) {
                    merged[index] = entry
                } else {
                    merged.append(entry)
                }
            }
            return .array(merged)
        default: return top
        }
    }

    private static let hookEntries: ConfigPath = ["hooks", "entries"]

    /// Whether a table is one value: replaced as a whole, and written in one piece.
    public static func isAtomic(_ path: ConfigPath) -> Bool {
        path == ["agent", "output_schema"]
    }

    /// Finds out what a layer must say so that together with `base` it gives what is wanted.
    private struct Change {
        /// The layers below, every key in it.
        var base: JSONObject
        /// What is wanted as the caller wrote it; that is stored.
        var spelled: JSONObject

        func difference(_ wanted: JSONObject, at path: ConfigPath) -> JSONObject {
            var layer = JSONObject()
            for member in wanted.members where !member.value.isNull {
                let path = path + member.name
                if let inner = member.value.object, base[path]?.object != nil, !ConfigLayers.isAtomic(path) {
                    let difference = difference(inner, at: path)
                    if !difference.isEmpty { layer[member.name] = .object(difference) }
                } else {
                    layer[member.name] = stored(member.value, at: path)
                }
            }
            return layer
        }

        func apply(
            _ patch: JSONObject, to layer: JSONObject, wanted: JSONObject, at path: ConfigPath
        ) -> JSONObject {
            var layer = layer
            for change in patch.members {
                let path = path + change.name
                if change.value.isNull {
                    layer[change.name] = nil
                } else if let inner = change.value.object, wanted[path]?.object != nil, !ConfigLayers.isAtomic(path) {
                    let before = layer[change.name]?.object
                    let after = apply(inner, to: before ?? JSONObject(), wanted: wanted, at: path)
                    let isImplied = after.isEmpty && before == nil && base[path]?.object != nil
                    if !isImplied { layer[change.name] = .object(after) }
                } else {
                    layer[change.name] = stored(wanted[path] ?? .null, at: path)
                }
            }
            return layer
        }

        /// What is to be stored for a wanted value, or nil when it is what the layers below say.
        private func stored(_ wanted: JSONValue, at path: ConfigPath) -> JSONValue? {
            let below = base[path] ?? .null
            if wanted.means(below) { return nil }
            let spelled = spelled[path] ?? wanted
            if path == ConfigLayers.hookEntries, let entries = wanted.array, let known = below.array {
                let own = zip(entries, spelled.array ?? entries).filter { entry, _ in
                    !known.contains { $0.means(entry) }
                }
                if own.isEmpty { return nil }
                return .array(own.map { $1.withoutNulls })
            }
            if ConfigLayers.isAtomic(path), spelled.containsNull {
                // TOML has no null; a schema may also be given as JSON text.
                return .string(RawJSON(encoding: spelled).text)
            }
            return spelled.withoutNulls
        }
    }
}

extension JSONObject {
    /// The value at a path through objects, or nil.
    public subscript(path: ConfigPath) -> JSONValue? {
        guard let last = path.names.last else { return .object(self) }
        var object = self
        for name in path.names.dropLast() {
            guard let inner = object[name]?.object else { return nil }
            object = inner
        }
        return object[last]
    }
}
