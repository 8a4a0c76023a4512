import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatStorage

/// Random numbers that are the same on every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension JSONValue {
    /// A value that TOML can hold.
    static func random(depth: Int = 0, using generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth < 3 ? 9 : 6), using: &generator) {
        case 0: return .bool(.random(using: &generator))
        case 1: return .integer(Int.random(in: -5...5, using: &generator))
        case 2: return JSONNumber(Double.random(in: -1...1, using: &generator)).map { .number($0) } ?? .null
        case 3:
            return ["", "x", "1979-05-27", "é \" \\ \u{1}\t", "line\nline\n"].randomElement(using: &generator) ?? ""
        case 4, 5: return .string(String(Int.random(in: 0..<9, using: &generator)))
        case 6:
            let count = Int.random(in: 0..<4, using: &generator)
            return .array((0..<count).map { _ in .random(depth: depth + 1, using: &generator) })
        case 7:
            let count = Int.random(in: 1..<4, using: &generator)
            return .array((0..<count).map { _ in .randomTable(depth: depth + 1, using: &generator) })
        default: return .randomTable(depth: depth + 1, using: &generator)
        }
    }

    private static func randomTable(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0..<4, using: &generator) {
            object[Self.randomName(using: &generator)] = .random(depth: depth, using: &generator)
        }
        return .object(object)
    }

    static func randomName(using generator: inout SeededGenerator) -> String {
        ["a", "b", "c", "d e", "0"].randomElement(using: &generator) ?? "a"
    }

    /// The value with one path set or removed; nil when something on the way is no table.
    func setting(_ path: ArraySlice<String>, to value: JSONValue?) -> JSONValue? {
        guard let name = path.first else { return value }
        guard var object else { return nil }
        if path.count == 1 {
            object[name] = value
        } else {
            guard let inner = (object[name] ?? [:]).setting(path.dropFirst(), to: value) else { return nil }
            object[name] = inner
        }
        return .object(object)
    }

    /// The value without tables that have nothing in them, arrays left alone.
    var pruned: JSONValue {
        guard let object else { return self }
        var kept = JSONObject()
        for member in object.members {
            let value = member.value.pruned
            if value.object?.isEmpty != true { kept[member.name] = value }
        }
        return .object(kept)
    }

    /// Members in the order of their names, so that equal means the same.
    var sorted: JSONValue {
        switch self {
        case .object(let object):
            var result = JSONObject()
            for member in object.members.sorted(by: { $0.name < $1.name }) { result[member.name] = member.value.sorted }
            return .object(result)
        case .array(let elements): return .array(elements.map(\.sorted))
        default: return self
        }
    }
}

@Suite struct TOMLRandomEditsTests {
    static let texts = [
        "",
        "# c1\nx = 1\n\n# c2\n[a] # c3\nb = { c = 1, d.e = [1, 2] } # c4\n# c5\n",
        "a.b.c = 1 # c1\n# c2\n[a.c]\nb = [ # c3\n  1, # c4\n  2 # c5\n] # c6\n[[a.e]] # c7\nb = 1 # c8\n[a.e.c]\nb = 2\n[[a.e]]\n# c9",
        "[b.c.a] # c1\n  a = 1\n  # c2\n\n  [b.c.d]\n[c]\r\n'd e'.\"a\" = 'x' # c3\r\n[c.b]\n",
    ]

    @Test(arguments: texts.indices, 0..<40)
    func anyEditsGiveTheTreeAndKeepTheComments(index: Int, seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed * 10 + index))
        var document = try TOMLDocument(Array(Self.texts[index].utf8))
        var expected = JSONValue.object(document.object)
        for _ in 0..<40 {
            let length = Int.random(in: 1...4, using: &generator)
            let path = (0..<length).map { _ in JSONValue.randomName(using: &generator) }
            let value: JSONValue? =
                Int.random(in: 0..<3, using: &generator) == 0 ? nil : .random(using: &generator)
            guard let changed = expected.setting(path[...], to: value) else { continue }
            expected = changed
            let before = String(decoding: document.text, as: UTF8.self)
            if let value { try document.set(path, to: value) } else { try document.remove(path) }
            try #require(
                JSONValue.object(document.object).pruned.sorted == expected.pruned.sorted,
                "\(path) \(String(describing: value))\n\(before)\n---\n\(String(decoding: document.text, as: UTF8.self))"
            )
        }
        let text = String(decoding: document.text, as: UTF8.self)
        for comment in 1...9 where Self.texts[index].contains("# c\(comment)") {
            #expect(text.contains("# c\(comment)"), "\(text)")
        }
    }
}
