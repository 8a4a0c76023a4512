internal import MeerkatCore
internal import MeerkatJSON

extension RunLoop {
    /// Fewest tokens that an answer is asked for when the limit of costs lowers them.
    private static var leastAnswer: UInt64 { 256 }

    /// Lowers the answer's tokens to what the limit of costs leaves for them.
    ///
    /// - Returns: The most that the call can cost; nil when the model's price is unknown.
    /// - Throws: when the limit leaves too little.
    func admit(_ request: inout ModelRequest, _ purpose: ModelCall.Purpose) throws(CallFailure) -> USDollars? {
        guard let price = target.profile.price else { return nil }
        let input = inputBound(of: request, purpose)
        if let affordable = affordableOutput(of: request, purpose) {
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
            let affordable = affordableOutput(of: request, .turn)
        else { return false }
        return affordable < min(Self.leastAnswer, UInt64(request.maxTokens))
    }

    /// The most that the next call can cost, where a limit asks for it.
    func costBound(_ request: ModelRequest?, _ purpose: ModelCall.Purpose) -> USDollars? {
        guard options.limits.maxCost != nil, var request else { return nil }
        // A call that the limit forbids is not made.
        return (try? admit(&request, purpose)) ?? .zero
    }

    /// The tokens of an answer that the limit of costs leaves; nil without a limit.
    private func affordableOutput(of request: ModelRequest, _ purpose: ModelCall.Purpose) -> UInt64? {
        guard options.limits.maxCost != nil, let price = target.profile.price else { return nil }
        var meter = budget
        meter.count(totals)
        return meter.costLeft.map { price.affordableOutput(inputTokens: inputBound(of: request, purpose), budget: $0) }
    }

    /// The most tokens that a request can be counted as.
    ///
    /// A token is at least one byte of text: digits and base64 can come that close. In the conversation the bound is the
    /// count of the last request and one token for each byte that is new; of any other request, one for each byte.
    private func inputBound(of request: ModelRequest, _ purpose: ModelCall.Purpose) -> UInt64 {
        let size = request.history.size
        let (bill, contextSeq) = session.withLoaded { ($0.buffer.lastBill, $0.state.totals.contextSeq) } ?? (nil, 0)
        let schema = request.outputSchema.map { $0.schema.jsonBytes.count } ?? 0
        guard purpose != .compaction, let bill, bill.contextSeq == contextSeq,
            bill.history.textBytes <= size.textBytes, bill.history.imageTokenBound <= size.imageTokenBound
        else {
            let tools = request.tools.reduce(0) { $0 + $1.jsonBytes.count }
            let text = request.instructions.utf8.count + tools + schema + size.textBytes
            return UInt64(text + size.imageTokenBound + Self.hiddenTokens)
        }
        let newText = schema + size.textBytes - bill.history.textBytes
        let newImages = size.imageTokenBound - bill.history.imageTokenBound
        return bill.inputTokens.addingClamped(UInt64(newText + newImages))
    }

    /// Words that providers add of their own, for example about tools.
    private static var hiddenTokens: Int { 1024 }

    /// What an attempt cost that failed: nothing when it was never sent or surely not billed, else up to its bound.
    func bill(_ error: ProviderError, bound: USDollars?) -> Spending {
        let isRefused = error.status.map(target.provider.wireFormat.isUnbilled(status:)) ?? false
        return !error.wasSent || isRefused ? .zero : Spending(cost: nil, bound: bound)
    }

    /// What an answer cost; the next request of the conversation is measured by it.
    func bill(
        _ answer: ModelAnswer, of request: ModelRequest, _ purpose: ModelCall.Purpose, bound: USDollars?
    ) -> Spending {
        // What a provider tells of costs counts where no price is known.
        let told = target.profile.price == nil ? answer.cost : nil
        let includesCache = target.provider.wireFormat.inputIncludesCache
        guard let usage = answer.usage else { return Spending(cost: told, bound: told ?? bound) }
        if purpose != .compaction {
            _ = session.withLoaded { loaded in
                loaded.buffer.note(
                    RenderBuffer.Bill(
                        inputTokens: usage.contextTokens(includesCache: includesCache), history: request.history.size,
                        contextSeq: loaded.state.totals.contextSeq),
                    of: target.provider, model: target.model)
            }
        }
        let cost = told ?? target.profile.price?.cost(of: usage, includesCache: includesCache)
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

    /// Checks that a limit of costs can be held by the fallback models too, as far as they can be used.
    func checkFallbackPrices(for options: SessionOptions) async throws(SessionError) {
        guard options.limits.maxCost != nil else { return }
        for choice in options.fallbackModels ?? [] {
            // One that cannot be used now is passed over when its turn comes.
            guard let target = try? await model(options.falling(back: choice)) else { continue }
            try checkPrice(of: target, for: options, totals: SessionTotals())
        }
    }
}
