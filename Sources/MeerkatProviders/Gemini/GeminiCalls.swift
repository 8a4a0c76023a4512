internal import MeerkatCore
internal import MeerkatJSON

/// The function calls of an answer; most come whole, some in pieces.
struct GeminiCalls: Sendable {
    private struct Call: Sendable {
        var id: String?
        var name: String
        var arguments: RawJSON?
        var pieces: GeminiArguments?
        /// More pieces are to come.
        var isOpen: Bool
    }

    private var calls: [Call] = []

    /// Adds a call, or a piece to the one that is open; a new call's position is returned.
    ///
    /// - Throws: ``ProviderError/Reason/malformedResponse`` for arguments that belong to no call.
    mutating func add(_ piece: GeminiChunk.Call) throws(ProviderError) -> Int? {
        let isOpen = calls.last?.isOpen ?? false
        if isOpen, piece.name.isEmpty || piece.id != nil && piece.id == calls.last?.id {
            add(piece, to: calls.count - 1)
            return nil
        }
        guard !piece.name.isEmpty else {
            // The end of pieces that had ended already.
            guard piece.arguments != nil || !piece.pieces.isEmpty else { return nil }
            throw ProviderFailure.malformed("a function call has no name")
        }
        calls.append(Call(id: piece.id, name: piece.name, isOpen: true))
        add(piece, to: calls.count - 1)
        return calls.count - 1
    }

    private mutating func add(_ piece: GeminiChunk.Call, to position: Int) {
        if let arguments = piece.arguments { calls[position].arguments = arguments }
        for value in piece.pieces { calls[position].pieces = calls[position].pieces.adding(value) }
        calls[position].isOpen = piece.willContinue
    }

    /// The calls in order; `response` makes ids different from those of other answers.
    ///
    /// With `wasCut` the answer reached its limit, so that a call that is still open lacks its end.
    func finished(response: String?, wasCut: Bool) -> [ToolUse] {
        calls.enumerated().map { position, call in
            let id = call.id ?? GeminiCallID.generated(position + 1, response: response)
            guard var pieces = call.pieces else {
                let isCut = wasCut && call.isOpen && call.arguments == nil
                return ToolUse(
                    id: id, name: call.name, arguments: isCut ? nil : call.arguments ?? .emptyObject,
                    malformedArguments: isCut ? "" : nil)
            }
            let arguments = pieces.finished()
            let isWhole = !pieces.isMalformed && !(wasCut && call.isOpen)
            return ToolUse(
                id: id, name: call.name, arguments: isWhole ? arguments : nil,
                malformedArguments: isWhole ? nil : arguments.text)
        }
    }
}

extension GeminiArguments? {
    fileprivate func adding(_ piece: JSONValue) -> GeminiArguments {
        var arguments = self ?? GeminiArguments()
        arguments.add(piece)
        return arguments
    }
}
