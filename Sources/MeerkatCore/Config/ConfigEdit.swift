public import MeerkatJSON

/// A change of one key of a file.
public enum ConfigEdit: Sendable, Hashable {
    case set(ConfigPath, JSONValue)
    case remove(ConfigPath)

    public var path: ConfigPath {
        switch self {
        case .set(let path, _), .remove(let path): path
        }
    }

    /// What turns the tree `old` into `new`, key by key.
    ///
    /// Tables that hold one of the `kept` keys are not removed as a whole: those keys are in the file although `old`
    /// does not have them.
    public static func difference(
        from old: JSONObject, to new: JSONObject, keeping kept: [ConfigPath] = []
    ) -> [ConfigEdit] {
        difference(from: old, to: new, keeping: kept, at: [])
    }

    private static func difference(
        from old: JSONObject, to new: JSONObject, keeping kept: [ConfigPath], at path: ConfigPath
    ) -> [ConfigEdit] {
        var edits: [ConfigEdit] = []
        for member in old.members where new[member.name] == nil {
            let path = path + member.name
            if let table = member.value.object, kept.contains(where: { $0.starts(with: path) }) {
                edits += difference(from: table, to: JSONObject(), keeping: kept, at: path)
            } else {
                edits.append(.remove(path))
            }
        }
        for member in new.members {
            let path = path + member.name
            switch (old[member.name], member.value) {
            case (let before?, let after) where before.means(after): break
            case (.object(let before), .object(let after)) where !ConfigLayers.isAtomic(path):
                edits += difference(from: before, to: after, keeping: kept, at: path)
            case (let before, .object(let after)) where !ConfigLayers.isAtomic(path) && !after.isEmpty:
                if before != nil { edits.append(.remove(path)) }
                edits += difference(from: JSONObject(), to: after, keeping: kept, at: path)
            default: edits.append(.set(path, member.value))
            }
        }
        return edits
    }
}
