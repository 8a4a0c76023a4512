import MeerkatCore
import Testing

@testable import MeerkatProviders

@Suite struct ModelCatalogTests {
    private static let now = Timestamp(milliseconds: 1_795_219_200_000)  // 21 November 2026

    @Test func everyLineOfTheTableIsRead() {
        let lines = ModelCatalog.table.withUTF8Buffer { $0.split(separator: UInt8(ascii: "\n")).count }
        #expect(ModelCatalog.entries.count == lines)
        #expect(Set(ModelCatalog.entries.map { "\($0.provider) \($0.name)" }).count == lines)
        for entry in ModelCatalog.entries {
            #expect(entry.name == entry.name.lowercased())
            if let price = entry.profile.price { #expect(price.date?.hasPrefix("20") == true, "\(entry.name)") }
        }
    }

    @Test(
        arguments: [
            ("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
            ("claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
            ("Claude-Sonnet-4-5-latest", "anthropic", "claude-sonnet-4-5"),
            ("gpt-5-2025-08-07", "openai", "gpt-5"), ("gpt-5-mini", "openai", "gpt-5-mini"),
            ("gpt-4-0613", "openai", "gpt-4"),
            ("gemini-2.5-pro-preview-05-06", "gemini", "gemini-2.5-pro"),
            ("gpt-5-super", "openai", nil), ("gpt-5.9", "openai", nil), ("gpt-4-0125-preview", "openai", nil),
            ("gemini-2.0-flash-exp", "gemini", nil), ("claude-sonnet-4-5-1", "anthropic", nil),
            ("claude-sonnet-4-5", "openrouter", nil),
        ] as [(String, String, String?)])
    func aNameIsThatOfOneModelApartFromItsDate(_ name: String, _ provider: String, _ known: String?) {
        let profile = ModelCatalog.profile(of: name, provider: provider, at: Self.now)
        let expected = ModelCatalog.entries.first { $0.provider == provider && $0.name == known }?.profile
        #expect(profile == expected ?? ModelProfile())
    }

    @Test func aPriceThatHasEndedIsUnknown() throws {
        let later = Timestamp(milliseconds: Self.now.milliseconds + 60 * 86_400_000)
        let name = try #require(ModelCatalog.entries.first { $0.profile.price?.lastDay == "2026-12-31" }?.name)
        #expect(ModelCatalog.profile(of: name, provider: "gemini", at: Self.now).price != nil)
        #expect(ModelCatalog.profile(of: name, provider: "gemini", at: later).price == nil)
    }

    @Test func pricesAreThoseOfTheTable() throws {
        let price = try #require(
            ModelCatalog.profile(of: "claude-haiku-5-5", provider: "anthropic", at: Self.now).price)
        #expect(price.rates.input * 1_000_000 == USDollars("0.1"))
        #expect(price.rates.cacheWrite.map { $0 * 1_000_000 } == USDollars("0.125"))
        #expect(price.longInput?.above == 100_000)
        #expect(price.longInput.map { $0.rates.output * 1_000_000 } == USDollars("2.5"))
    }

    @Test(
        arguments: [
            ("claude-next", "anthropic"), ("GPT-99", "openai"), ("o3-mini", "openai"), ("o3", "openai"),
            ("o4-mini", "openai"), ("chatgpt-4o-latest", "openai"), ("gemini-9", "gemini"), ("grok-4", nil),
            ("llama", nil),
        ] as [(String, String?)])
    func theProviderIsInferredFromTheName(_ name: String, _ provider: String?) {
        #expect(ModelCatalog.provider(of: name) == provider)
    }
}
