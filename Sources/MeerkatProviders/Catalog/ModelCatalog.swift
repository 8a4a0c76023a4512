public import MeerkatCore
internal import MeerkatJSON

/// What is known of models by their names.
public struct ModelCatalog: Sendable {
    /// A model, or a family of models that differ in the date at the end of their names.
    public struct Entry: Sendable, Hashable {
        public var provider: String
        /// In lower case.
        public var name: String
        public var profile: ModelProfile
    }

    /// Everything that is known, in the order of the table.
    public static let entries: [Entry] = Self.table.withUTF8Buffer { text in
        text.split(separator: UInt8(ascii: "\n")).compactMap { Entry(line: String(decoding: $0, as: UTF8.self)) }
    }

    private static let byName = Dictionary(
        entries.map { (Key(provider: $0.provider, name: $0.name), $0) }, uniquingKeysWith: { first, _ in first })

    private struct Key: Hashable {
        var provider: String
        var name: String
    }

    /// What is known of a model of a provider; nothing of one that is not in the table, however alike its name is.
    ///
    /// - Parameters:
    ///   - model: With or without a date or a word such as `latest` behind its name.
    ///   - provider: As it stands in the configuration.
    ///   - now: Prices that have ended by then are left out.
    /// - Returns: A profile with nil for all that is not known.
    public static func profile(of model: String, provider: String, at now: Timestamp) -> ModelProfile {
        guard let entry = match(model.lowercased(), provider: provider) else { return ModelProfile() }
        var profile = entry.profile
        if let end = profile.price?.lastDay, end < now.day { profile.price = nil }
        return profile
    }

    private static func match(_ model: String, provider: String) -> Entry? {
        func entry(_ name: Substring) -> Entry? { byName[Key(provider: provider, name: String(name))] }
        var name = model[...]
        if let entry = entry(name) { return entry }
        while let end = name.lastIndex(where: { $0 == "-" || $0 == "@" }), isDate(name[end...].dropFirst()) {
            name = name[..<end]
            if let entry = entry(name) { return entry }
        }
        // A word comes before the date, if there is one: what stands before the word is the model.
        guard let end = name.lastIndex(of: "-"), ["latest", "preview"].contains(name[end...].dropFirst()) else {
            return nil
        }
        return entry(name[..<end])
    }

    /// Whether a part of a name is one of a date, or the number of a version that has as many digits; a single digit
    /// names another model.
    private static func isDate(_ part: Substring) -> Bool {
        (2...8).contains(part.utf8.count) && part.allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// The provider whose models are named like this one; nil for a name that says nothing.
    public static func provider(of model: String) -> String? {
        let name = model.lowercased()
        if let match = prefixes.first(where: { name.hasPrefix($0.prefix) }) { return match.provider }
        return ["anthropic", "openai", "gemini"].first { match(name, provider: $0) != nil }
    }

    private static let prefixes: [(prefix: String, provider: String)] = [
        ("claude-", "anthropic"), ("gpt-", "openai"), ("o1-", "openai"), ("o3-", "openai"), ("chatgpt-", "openai"),
        ("gemini-", "gemini"),
    ]
}

extension ModelCatalog.Entry {
    /// Reads a line of the table; nil for one that is not of its form.
    fileprivate init?(line: String) {
        let columns = line.split(separator: " ").map(String.init)
        guard columns.count >= 7, columns[4].utf8.count == 4 else { return nil }
        provider = columns[0]
        name = columns[1]
        let abilities = Array(columns[4])
        func ability(_ index: Int) -> Bool? { abilities[index] == "?" ? nil : abilities[index] != "-" }
        profile = ModelProfile(
            contextWindow: Int(columns[2]), outputLimit: Int(columns[3]), acceptsImages: ability(0),
            acceptsTemperature: ability(2), reasons: ability(1), hasStructuredOutput: ability(3),
            price: ModelPrice(columns[6...], date: columns[5]))
    }
}

extension ModelPrice {
    /// Reads the last columns of the table; nil when the prices are unknown.
    fileprivate init?(_ columns: ArraySlice<String>, date: String) {
        guard let first = columns.first, let rates = Rates(perMillion: first) else { return nil }
        self.init(rates, date: date)
        for column in columns.dropFirst() {
            if column.hasPrefix("until:") {
                lastDay = String(column.dropFirst("until:".count))
            } else if column.hasPrefix(">") {
                let parts = column.dropFirst().split(separator: ":")
                guard parts.count == 2, let tokens = UInt64(parts[0]), let rates = Rates(perMillion: String(parts[1]))
                else { return nil }
                longInput = (tokens, rates)
            }
        }
    }
}

extension ModelPrice.Rates {
    /// Reads `input/output/cache read/cache write`, dollars per million tokens.
    fileprivate init?(perMillion text: String) {
        let prices = text.split(separator: "/").map { USDollars(perMillion: String($0)) }
        guard prices.count == 4, let input = prices[0], let output = prices[1] else { return nil }
        self.init(input: input, output: output, cacheRead: prices[2], cacheWrite: prices[3])
    }
}
