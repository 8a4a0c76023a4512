public import MeerkatJSON

extension JSONValue {
    /// This value changed as RFC 7396 says: objects merge, `null` removes a member, all else replaces.
    public func applying(mergePatch patch: JSONValue) -> JSONValue {
        guard let changes = patch.object else { return patch }
        var result = object ?? JSONObject()
        for change in changes.members {
            if change.value.isNull {
                result[change.name] = nil
            } else {
                result[change.name] = (result[change.name] ?? .null).applying(mergePatch: change.value)
            }
        }
        return .object(result)
    }

    /// Whether two values mean the same: the order of members and the spelling of numbers do not count.
    public func means(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.object(let left), .object(let right)):
            left.members.count == right.members.count
                && left.members.allSatisfy { member in right[member.name].map { member.value.means($0) } ?? false }
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.means($1) }
        case (.number(let left), .number(let right)):
            if let left = left.int, let right = right.int {
                left == right
            } else {
                left == right || left.double.flatMap { $0 == right.double } ?? false
            }
        default: self == other
        }
    }

    /// The value without object members that are `null`.
    var withoutNulls: JSONValue {
        switch self {
        case .object(let object):
            var kept = JSONObject()
            for member in object.members where !member.value.isNull { kept[member.name] = member.value.withoutNulls }
            return .object(kept)
        case .array(let elements): return .array(elements.map(\.withoutNulls))
        default: return self
        }
    }

    var containsNull: Bool {
        switch self {
        case .null: true
        case .object(let object): object.members.contains { $0.value.containsNull }
        case .array(let elements): elements.contains { $0.containsNull }
        default: false
        }
    }
}
