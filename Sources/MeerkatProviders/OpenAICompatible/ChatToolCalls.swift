internal import MeerkatCore
internal import MeerkatJSON

/// The tool calls of an answer while their pieces arrive.
struct ChatToolCalls: Sendable {
    private struct Call: Sendable {
        var index: UInt64?
        var id: String
        var name: String
        var arguments: [UInt8] = []

        var isEmpty: Bool { id.isEmpty && name.isEmpty && arguments.isEmpty }
    }

    private var calls: [Call] = []
    /// The last call of each index, and of each id.
    private var positionsByIndex: [UInt64: Int] = [:]
    private var positionsByID: [String: Int] = [:]

    var count: Int { calls.count }

    /// Adds a piece to the call it belongs to, and tells whether that is a new one.
    mutating func add(_ piece: ChatChunk.Call, arguments: ArraySlice<UInt8>) -> Bool {
        guard let position = position(of: piece) else {
            if let index = piece.index { positionsByIndex[index] = calls.count }
            calls.append(Call(index: piece.index, id: piece.id, name: piece.name, arguments: Array(arguments)))
            noteID(of: calls.count - 1)
            return true
        }
        // Some servers repeat the id and the name with every piece; some send the id late.
        if calls[position].id.isEmpty, !piece.id.isEmpty {
            calls[position].id = piece.id
            noteID(of: position)
        }
        if calls[position].name.isEmpty {
            calls[position].name = piece.name
        } else if calls[position].name != piece.name, calls[position].arguments.isEmpty {
            calls[position].name += piece.name
        }
        calls[position].arguments += arguments
        return false
    }

    private mutating func noteID(of position: Int) {
        let id = calls[position].id
        if !id.isEmpty { positionsByID[id] = max(positionsByID[id] ?? 0, position) }
    }

    /// The call that a piece continues; nil when it begins a new one.
    private func position(of piece: ChatChunk.Call) -> Int? {
        if let index = piece.index {
            guard let found = positionsByIndex[index] else { return nil }
            // Some servers give all calls of a batch the index 0, each call complete in itself.
            let isOther =
                !piece.id.isEmpty && !calls[found].id.isEmpty && piece.id != calls[found].id
                && !piece.name.isEmpty && !calls[found].name.isEmpty
            return isOther ? nil : found
        }
        if !piece.id.isEmpty { return positionsByID[piece.id] }
        return piece.name.isEmpty ? calls.indices.last : nil
    }

    /// The calls by position; nil for those that turned out to be nothing.
    ///
    /// With `wasCut` the answer reached its limit, so that the last call may lack its end.
    func finished(wasCut: Bool) throws(ProviderError) -> [ToolUse?] {
        var ids = Set(calls.map(\.id))
        var used: Set<String> = []
        var number = 0
        var result: [ToolUse?] = []
        for (position, call) in calls.enumerated() {
            guard !call.isEmpty else {
                result.append(nil)
                continue
            }
            guard !call.name.isEmpty else { throw ProviderFailure.malformed("a tool call has no name") }
            var id = call.id
            while id.isEmpty || used.contains(id) {
                number += 1
                // Not the id that a later call was given by the server.
                id = ids.contains("call_\(number)") ? "" : "call_\(number)"
            }
            ids.insert(id)
            used.insert(id)
            result.append(toolUse(call, id: id, mayBeCut: wasCut && position == calls.count - 1))
        }
        return result
    }

    private func toolUse(_ call: Call, id: String, mayBeCut: Bool) -> ToolUse {
        guard call.arguments.contains(where: { $0 > 0x20 }) else {
            // No arguments at all is how many models call a tool that needs none.
            return ToolUse(
                id: id, name: call.name, arguments: mayBeCut ? nil : .emptyObject,
                malformedArguments: mayBeCut ? "" : nil)
        }
        return ToolUse(id: id, name: call.name, arguments: call.arguments)
    }
}
