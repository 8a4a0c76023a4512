import FoundationEssentials
import MeerkatCore
import MeerkatJSON
import Testing

/// Names every key of a section with its default.
private struct KeyLister: ConfigVisitor {
    struct Key: Hashable {
        var path: String
        /// As JSON; `absent` for a key that is not shown without a value.
        var value: String
    }

    var prefix: String
    var keys: [Key] = []

    mutating func key<Value: ConfigValue>(
        _ name: String, _ value: inout Value, nilAs: ConfigNil, check: (Value) -> String?
    ) throws(ConfigError) {
        if let section = value as? any ConfigSection {
            keys += try Self.keys(of: section, prefix: prefix + name + ".")
            return
        }
        let isAbsent = nilAs == .omitted && value.configJSON.isNull
        keys.append(
            Key(
                path: prefix + name,
                value: isAbsent ? "absent" : "`\(String(decoding: value.configJSON.jsonBytes, as: UTF8.self))`"))
    }

    mutating func otherTables<Value: ConfigSection>(_ tables: inout ConfigMap<Value>) throws(ConfigError) {
        keys += try Self.keys(of: Value(), prefix: prefix + "NAME.")
    }

    static func keys(of section: some ConfigSection, prefix: String) throws(ConfigError) -> [Key] {
        var lister = KeyLister(prefix: prefix)
        var section = section
        try section.visit(&lister)
        return lister.keys
    }
}

@Suite struct ConfigurationPageTests {
    /// The key and the default of each row of the page.
    private func rows() throws -> [KeyLister.Key] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        let keys = try #require(page.firstRange(of: "## All keys"))
        return page[keys.upperBound...].split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { cell in
                cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            }
            guard cells.count == 6, cells[1].first == "`" else { return nil }
            return KeyLister.Key(path: String(cells[1].dropFirst().dropLast()), value: String(cells[3]))
        }
    }

    @Test func thePageHasEveryKeyWithItsDefault() throws {
        var configuration = Configuration()
        configuration.maxTokens = configuration.effectiveMaxTokens
        let keys =
            try KeyLister.keys(of: configuration, prefix: "")
            + KeyLister.keys(of: Configuration.HookEntry(), prefix: "hooks.entries.*.")
            + KeyLister.keys(of: Configuration.SkillRepository(), prefix: "skills.repositories.*.")
            + KeyLister.keys(of: Configuration.TokenPrices(), prefix: "providers.NAME.prices.MODEL.")
        let rows = try rows()
        #expect(Set(rows).subtracting(keys) == [])
        #expect(Set(keys).subtracting(rows) == [])
        #expect(rows.count == Set(rows).count)
    }
}
