internal import MeerkatCore
internal import MeerkatJSON

/// Notices that a model makes the same call again and again and gets the same result.
struct RepetitionGuard: Sendable {
    private struct Call: Sendable {
        var name: String
        var arguments: RawJSON?
        var result: [Block]
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

    /// Takes a call with its result, in call order.
    mutating func note(_ toolUse: ToolUse, _ result: ToolResult) {
        let call = Call(name: toolUse.name, arguments: toolUse.arguments, result: result.content)
        guard let last, last.name == call.name, last.result == call.result,
            last.arguments.isSameJSON(as: call.arguments)
        else {
            self.last = call
            count = 1
            return
        }
        count += 1
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
