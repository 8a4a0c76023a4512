import MeerkatJSON
import Testing

@testable import MeerkatCore

@Suite struct ModelPriceTests {
    private static let price = ModelPrice(
        ModelPrice.Rates(
            input: USDollars("0.000003") ?? .zero, output: USDollars("0.000015") ?? .zero,
            cacheRead: USDollars("0.0000003"), cacheWrite: USDollars("0.00000375")))

    @Test func cachedTokensHaveTheirOwnPrice() {
        let usage = Usage(inputTokens: 1000, outputTokens: 100, cacheCreationTokens: 200, cacheReadTokens: 400)
        #expect(Self.price.cost(of: usage, includesCache: true) == USDollars("0.00357"))
        #expect(Self.price.cost(of: usage, includesCache: false) == USDollars("0.00537"))
    }

    @Test func anUnknownPriceIsNoGuess() {
        var price = Self.price
        price.rates.cacheRead = nil
        #expect(price.cost(of: Usage(inputTokens: 10, cacheReadTokens: 1), includesCache: true) == nil)
        #expect(price.cost(of: Usage(inputTokens: 10, cacheReadTokens: 0), includesCache: true) == USDollars("0.00003"))
    }

    @Test func longInputHasItsOwnPrice() {
        var price = Self.price
        price.longInput = (
            above: 200_000, rates: ModelPrice.Rates(input: USDollars("0.000006") ?? .zero, output: .zero)
        )
        #expect(price.cost(of: Usage(inputTokens: 200_000), includesCache: true) == USDollars("0.6"))
        #expect(price.cost(of: Usage(inputTokens: 200_001), includesCache: true) == USDollars("1.200006"))
        // A cache that costs something unknown may cost a quarter more.
        #expect(price.bound(inputTokens: 200_001, outputTokens: 5) == USDollars("1.5000075"))
    }

    @Test func aBudgetPaysForSoManyTokens() {
        let budget = USDollars("0.01") ?? .zero
        // 1000 tokens of input, put into the cache, cost 0.00375.
        #expect(Self.price.affordableOutput(inputTokens: 1000, budget: budget) == 416)
        #expect(Self.price.bound(inputTokens: 1000, outputTokens: 416) <= budget)
        #expect(Self.price.bound(inputTokens: 1000, outputTokens: 417) > budget)
        #expect(Self.price.affordableOutput(inputTokens: 100_000, budget: budget) == 0)
    }

    @Test(arguments: ["0", "1", "0.25", "12.000000000001", "18446744.073709551615"])
    func amountsAreWrittenAsTheyAreRead(_ text: String) throws {
        let amount = try USDollars(json: Array(text.utf8))
        #expect(String(decoding: amount.jsonBytes, as: UTF8.self) == text)
    }

    @Test(arguments: [("1e-2", "0.01"), ("2.5E1", "25"), ("0.10", "0.1"), ("0.0000000000001", "0")])
    func otherFormsOfANumberAreRead(_ text: String, _ amount: String) throws {
        #expect(try USDollars(json: Array(text.utf8)).text == amount)
    }

    @Test(arguments: ["-1", "1e30", "\"1\"", "null"])
    func whatIsNoAmountIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try USDollars(json: Array(text.utf8)) }
    }
}
