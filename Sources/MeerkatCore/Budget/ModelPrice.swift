internal import MeerkatJSON

/// What a model's tokens cost.
public struct ModelPrice: Sendable, Hashable {
    /// The prices of one token each.
    public struct Rates: Sendable, Hashable {
        public var input: USDollars
        public var output: USDollars
        /// Input that the provider had in its cache; nil when its price is unknown.
        public var cacheRead: USDollars?
        /// Input that the provider put into its cache; nil when its price is unknown.
        public var cacheWrite: USDollars?

        public init(input: USDollars, output: USDollars, cacheRead: USDollars? = nil, cacheWrite: USDollars? = nil) {
            self.input = input
            self.output = output
            self.cacheRead = cacheRead
            self.cacheWrite = cacheWrite
        }

        /// The dearest kind of input; no provider is known to charge more than a quarter over it for its cache.
        var highestInput: USDollars {
            max(input, cacheRead ?? input, cacheWrite ?? USDollars(picodollars: input.picodollars / 4) * 5)
        }
    }

    public var rates: Rates
    /// What applies to the whole call when its input is longer than so many tokens.
    public var longInput: (above: UInt64, rates: Rates)? {
        get { longInputRates.map { (longInputTokens, $0) } }
        set {
            longInputTokens = newValue?.above ?? 0
            longInputRates = newValue?.rates
        }
    }
    private var longInputTokens: UInt64 = 0
    private var longInputRates: Rates?
    /// The day at which the prices were looked up, as `YYYY-MM-DD`; nil for prices of the configuration.
    public var date: String?
    /// The last day on which the prices are known to hold, as `YYYY-MM-DD`; nil when no end is known.
    public var lastDay: String?

    public init(_ rates: Rates, longInput: (above: UInt64, rates: Rates)? = nil, date: String? = nil) {
        self.rates = rates
        self.date = date
        self.longInput = longInput
    }

    /// What a call cost.
    ///
    /// - Parameters:
    ///   - usage: The tokens as the provider counted them.
    ///   - includesCache: Whether the provider counts cached tokens as input tokens as well.
    /// - Returns: Nil when the price of some of the tokens is unknown.
    public func cost(of usage: Usage, includesCache: Bool) -> USDollars? {
        let read = usage.cacheReadTokens ?? 0
        let written = usage.cacheCreationTokens ?? 0
        let cached = read.addingClamped(written)
        let plain = includesCache ? usage.inputTokens - min(cached, usage.inputTokens) : usage.inputTokens
        let rates = rates(forInput: plain.addingClamped(cached))
        guard let readPrice = read > 0 ? rates.cacheRead : .zero,
            let writePrice = written > 0 ? rates.cacheWrite : .zero
        else { return nil }
        return rates.input * plain + readPrice * read + writePrice * written + rates.output * usage.outputTokens
    }

    /// The most that a call can cost, whatever is cached.
    public func bound(inputTokens: UInt64, outputTokens: UInt64) -> USDollars {
        let rates = rates(forInput: inputTokens)
        return rates.highestInput * inputTokens + rates.output * outputTokens
    }

    /// How many tokens of an answer to `inputTokens` a budget pays for.
    public func affordableOutput(inputTokens: UInt64, budget: USDollars) -> UInt64 {
        let rates = rates(forInput: inputTokens)
        let left = budget - rates.highestInput * inputTokens
        guard rates.output > .zero else { return bound(inputTokens: inputTokens, outputTokens: 0) <= budget ? .max : 0 }
        return left.picodollars / rates.output.picodollars
    }

    private func rates(forInput tokens: UInt64) -> Rates {
        if let longInput, tokens > longInput.above { return longInput.rates }
        return rates
    }
}
