internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// Fewest tokens that an answer is asked for when the limit of costs lowers them.
    private static var leastAnswer: UInt64 { 256 }

    /// Lowers the answer's tokens to what the limit of costs leaves for them.
    ///
    /// - Returns: The most that the call can cost; nil when the model's price is unknown.
    /// - Throws: when the limit leaves too little.
    func admit(_ request: inout ModelRequest) throws(CallFailure) -> USDollars? {
        guard let price = target.profile.price else { return nil }
        let input = inputBound(of: request)
        if let affordable = affordableOutput(of: request) {
            guard affordable >= min(Self.leastAnswer, UInt64(request.maxTokens)) else {
                throw .ended(failure(.limitReached("max_cost_usd")))
            }
            request.maxTokens = Int(clamping: min(UInt64(request.maxTokens), affordable))
        }
        return price.bound(inputTokens: input, outputTokens: UInt64(request.maxTokens))
    }

    /// Whether the limit of costs leaves too little for a next call.
    var isCostExhausted: Bool {
        guard options.limits.maxCost != nil, let request = request(for: .turn),
            let affordable = affordableOutput(of: request)
        else { return false }
        return affordable < min(Self.leastAnswer, UInt64(request.maxTokens))
    }

    /// The most that the next call can cost, where a limit asks for it.
    var costBound: USDollars? {
        guard options.limits.maxCost != nil, var request = request(for: .turn) else { return nil }
        // A call that the limit forbids is not made.
        return (try? admit(&request)) ?? .zero
    }

    /// The tokens of an answer that the limit of costs leaves; nil without a limit.
    private func affordableOutput(of request: ModelRequest) -> UInt64? {
        guard options.limits.maxCost != nil, let price = target.profile.price else { return nil }
        var meter = budget
        meter.count(totals)
        return meter.costLeft.map { price.affordableOutput(inputTokens: inputBound(of: request), budget: $0) }
    }

    /// The most tokens that a request can be counted as: what the last one was, and one for two bytes of what is new.
    private func inputBound(of request: ModelRequest) -> UInt64 {
        let size = request.history.size
        let (bill, contextSeq) = session.withLoaded { ($0.buffer.lastBill, $0.state.totals.contextSeq) } ?? (nil, 0)
        if let bill, bill.contextSeq == contextSeq, bill.history.textBytes <= size.textBytes {
            let new = (size.textBytes - bill.history.textBytes) / 2
            return bill.inputTokens + UInt64(new + size.imageTokenBound - bill.history.imageTokenBound)
        }
        // Providers add words of their own, for example about tools.
        let hidden = 1024
        let tools = request.tools.reduce(0) { $0 + $1.jsonBytes.count }
        return UInt64((request.instructions.utf8.count + tools + size.textBytes) / 2 + size.imageTokenBound + hidden)
    }

    /// What an answer cost; the next request is measured by it.
    func bill(_ answer: ModelAnswer, of request: ModelRequest, bound: USDollars?) -> Spending {
        let includesCache = target.provider.wireFormat.inputIncludesCache
        guard let usage = answer.usage else { return Spending(cost: answer.cost, bound: answer.cost ?? bound) }
        _ = session.withLoaded { loaded in
            loaded.buffer.note(
                RenderBuffer.Bill(
                    inputTokens: usage.contextTokens(includesCache: includesCache), history: request.history.size,
                    contextSeq: loaded.state.totals.contextSeq),
                of: target.provider, model: target.model)
        }
        let cost = answer.cost ?? target.profile.price?.cost(of: usage, includesCache: includesCache)
        return Spending(cost: cost, bound: cost ?? bound)
    }
}

extension EngineServices {
    /// Checks that a limit of costs can be held.
    ///
    /// - Throws: ``SessionError/Cause/invalidOption(field:message:)`` when the price of the model, or of what the session
    ///   has done so far, is unknown.
    func checkPrice(of target: ResolvedModel, for options: SessionOptions, totals: SessionTotals) throws(SessionError) {
        guard options.limits.maxCost != nil else { return }
        func refuse(_ why: String) -> SessionError {
            SessionError(.invalidOption(field: "limits.max_cost_usd", message: why))
        }
        guard target.profile.price != nil else {
            throw refuse("cannot be held, because the price of \(target.model.quoted) is not known")
        }
        guard totals.spending.bound != nil else {
            throw refuse("cannot be held, because it is not known what the session has cost so far")
        }
    }
}
