internal import MeerkatCore
internal import MeerkatJSON

/// Notices that a model makes the same call again and again and gets the same result.
struct RepetitionGuard: Sendable {
    private struct Call: Sendable {
        var name: String
        var arguments: RawJSON?
        var result: Outcome
    }

    /// What a call came to, as far as it is compared.
    enum Outcome: Sendable, Hashable {
        case content([Block])
        case essence(String)
    }

    /// How often in a row is too often.
    let limit: Int
    private var last: Call?
    private var count = 0
    /// The model was told and did it once more.
    private(set) var isBroken = false
    /// The model is to be told now.
    private(set) var mustTell = false

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes the calls of one answer with their results, in call order.
    ///
    /// Equal ones of one answer count once: the model has seen no result between them.
    mutating func note(_ calls: [(toolUse: ToolUse, outcome: Outcome)]) {
        var isCounted = false
        for (toolUse, outcome) in calls {
            let call = Call(name: toolUse.name, arguments: toolUse.arguments, result: outcome)
            if let last, last.name == call.name, last.result == call.result,
                last.arguments.isSameJSON(as: call.arguments)
            {
                if !isCounted { count(again: true) }
            } else {
                last = call
                count(again: false)
            }
            isCounted = true
        }
    }

    private mutating func count(again: Bool) {
        count = again ? count + 1 : 1
        if count == limit { mustTell = true }
        if count > limit { isBroken = true }
    }

    /// The message to the model when it is due, once.
    mutating func takeMessage() -> String? {
        guard mustTell, !isBroken, let last else { return nil }
        mustTell = false
        return """
            You have called \(last.name) \(limit) times in a row with the same arguments and got the same result each \
            time. Calling it again will not change that. Use what you know, try another way, or say what is missing.
            """
    }
}

extension RawJSON? {
    /// Whether both are the same value, whatever the order of members and the white space.
    fileprivate func isSameJSON(as other: RawJSON?) -> Bool {
        if self == other { return true }
        // Checked when it was made; what is not JSON after all is the same as nothing.
        guard let value = try? self?.value(), let otherValue = try? other?.value() else { return false }
        return value.canonical == otherValue.canonical
    }
}

extension JSONValue {
    /// The value with the members of its objects in the order of their names.
    fileprivate var canonical: JSONValue {
        switch self {
        case .array(let elements): return .array(elements.map(\.canonical))
        case .object(let object):
            var sorted = JSONObject()
            for member in object.members.sorted(by: { $0.name < $1.name }) {
                sorted[member.name] = member.value.canonical
            }
            return .object(sorted)
        default: return self
        }
    }
}
