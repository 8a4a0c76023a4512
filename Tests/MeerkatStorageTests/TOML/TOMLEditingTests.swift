import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatStorage

@Suite struct TOMLEditingTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var name: String
        var before: String
        var path: [String]
        /// Nil removes.
        var value: JSONValue?
        var after: String

        init(_ name: String, _ before: String, _ path: [String], _ value: JSONValue?, _ after: String) {
            (self.name, self.before, self.path, self.value, self.after) = (name, before, path, value, after)
        }

        var testDescription: String { name }
    }

    static let values = [
        Example(
            "a value keeps its comment", "# head\n[agent]\n  model = 'x' # mine\n", ["agent", "model"], "y",
            "# head\n[agent]\n  model = \"y\" # mine\n"),
        Example(
            "a new key follows its table", "[a]\nx = 1 # c\n\n[b]\n", ["a", "y"], 2, "[a]\nx = 1 # c\ny = 2\n\n[b]\n"),
        Example("a new key takes the indentation", "[a]\n  x = 1\n", ["a", "y"], true, "[a]\n  x = 1\n  y = true\n"),
        Example("a new key in an empty table", "[a] # c\n", ["a", "y"], "z", "[a] # c\ny = \"z\"\n"),
        Example("a new table", "x = 1", ["a", "b", "y"], 2, "x = 1\n\n[a.b]\ny = 2\n"),
        Example("a new table in an empty file", "", ["a", "y"], 2, "[a]\ny = 2\n"),
        Example("a new root key", "# file\n\n# a\n[a]\n", ["x"], 1, "# file\n\nx = 1\n\n# a\n[a]\n"),
        Example("a new root key after others", "y = 1 # c\n\n[a]\n", ["x"], 1, "y = 1 # c\nx = 1\n\n[a]\n"),
        Example("a new root key below comments only", "# c", ["x"], 1, "# c\nx = 1\n"),
        Example(
            "dotted keys stay dotted", "[a]\nb.c = 1\nz = 0\n", ["a", "b", "d"], 2, "[a]\nb.c = 1\nb.d = 2\nz = 0\n"),
        Example("an implied table gets a header", "[a.b]\nx = 1\n", ["a", "y"], 2, "[a.b]\nx = 1\n\n[a]\ny = 2\n"),
        Example("inline tables stay inline", "a = { x = 1 } # c\n", ["a", "y"], 2, "a = { x = 1, y = 2 } # c\n"),
        Example("an empty inline table", "a = {}\n", ["a", "y"], 2, "a = { y = 2 }\n"),
        Example("deep in an inline table", "a = { x = 1 }\n", ["a", "b", "c"], 2, "a = { x = 1, b.c = 2 }\n"),
        Example("comments in a value move up", "  a = [ # b\n 1, # c\n]\n", ["a"], 2, "  # b\n  # c\n  a = 2\n"),
        Example("names are quoted", "", ["a", "b c"], "\"\\\u{1}\t", "[a]\n\"b c\" = \"\\\"\\\\\\u0001\\t\"\n"),
        Example(
            "long text takes lines", "[a]\n", ["a", "t"], "one\n\"\"\"\\two\"",
            "[a]\nt = \"\"\"\none\n\"\\\"\\\"\\\\two\\\"\"\"\"\n"),
        Example("line ends are those of the file", "[a]\r\n", ["a", "t"], "x\ny", "[a]\r\nt = \"x\\ny\"\r\n"),
        Example("a scalar replaces a table", "[a]\n[a.b]\nx = 1 # c\n[c]\n", ["a", "b"], 1, "[a]\nb = 1\n# c\n[c]\n"),
        Example("a table of its own", "[a]\n", ["a", "b"], [:], "[a]\nb = {}\n"),
        Example("byte order marks stay in front", "\u{FEFF}[a]\n", ["x"], 1, "\u{FEFF}x = 1\n\n[a]\n"),
    ]

    static let removals = [
        Example("a line", "x = 1\ny = 2\n", ["x"], nil, "y = 2\n"),
        Example("comments stay", "# above\n  x = 1 # beside\ny = 2\n", ["x"], nil, "# above\n  # beside\ny = 2\n"),
        Example("comments in a list stay", "x = [ # a\n 1, # b\n]\ny = 2\n", ["x"], nil, "# a\n# b\ny = 2\n"),
        Example("the last line", "x = 1\ny = 2 # c", ["y"], nil, "x = 1\n# c"),
        Example("a table", "x = 1\n\n[a] # c\ny = 2\n\n[b]\n", ["a"], nil, "x = 1\n\n# c\n\n[b]\n"),
        Example("a table and its blank line", "x = 1\n\n[a]\ny = 2\n", ["a"], nil, "x = 1\n"),
        Example("everything below a table", "a.x = 1\n[a.b]\nc = 1\n[[a.d]]\n[e]\n", ["a"], nil, "[e]\n"),
        Example("the first in an inline table", "a = { x = 1, y = 2 }\n", ["a", "x"], nil, "a = { y = 2 }\n"),
        Example("the last in an inline table", "a = { x = 1, y = 2 }\n", ["a", "y"], nil, "a = { x = 1 }\n"),
        Example("several in an inline table", "a = { x.b = 1, y = 2, x.c = 3 }\n", ["a", "x"], nil, "a = { y = 2 }\n"),
        Example("nothing", "x = 1\n", ["a", "b"], nil, "x = 1\n"),
    ]

    static let lists = [
        Example("append", "a = [1, 2]\n", ["a"], [1, 2, 3], "a = [1, 2, 3]\n"),
        Example("insert", "a = [1, 2]\n", ["a"], [0, 1, 5, 2], "a = [0, 1, 5, 2]\n"),
        Example("remove", "a = [1, 2, 3, 4]\n", ["a"], [2, 4], "a = [2, 4]\n"),
        Example("replace", "a = [1, 'x', 3]\n", ["a"], [1, "y", 3], "a = [1, \"y\", 3]\n"),
        Example("empty", "a = [ 1, ]\n", ["a"], [], "a = [ ]\n"),
        Example(
            "append to lines", "a = [\n  'x', # cx\n  'y', # cy\n]\n", ["a"], ["x", "y", "z"],
            "a = [\n  'x', # cx\n  'y', # cy\n  \"z\",\n]\n"),
        Example(
            "append to lines without a last comma", "a = [\n  'x', # cx\n  'y' # cy\n]\n", ["a"], ["x", "y", "z"],
            "a = [\n  'x', # cx\n  'y', # cy\n  \"z\"\n]\n"),
        Example(
            "insert into lines", "a = [\n  'x', # cx\n  'y', # cy\n]\n", ["a"], ["w", "x", "z", "y"],
            "a = [\n  \"w\",\n  'x', # cx\n  \"z\",\n  'y', # cy\n]\n"),
        Example(
            "remove from lines", "a = [\n  'x',\n  'y', # cy\n  'z' # cz\n]\n", ["a"], ["x"],
            "a = [\n  'x',\n  # cy\n  # cz\n]\n"),
        Example(
            "tables in a list", "a = [{ x = 1 }, { x = 2, y = 3 }]\n", ["a"], [["x": 1], ["x": 5]],
            "a = [{ x = 1 }, { x = 5 }]\n"),
        Example(
            "a first list of tables", "x = 1\n", ["h", "e"], [["id": "a", "r": ["t": 1]]],
            "x = 1\n\n[[h.e]]\nid = \"a\"\nr = { t = 1 }\n"),
        Example(
            "append a table", "[[e]]\nid = 1 # c\n[e.r]\nt = 1\n\n[z]\n", ["e"],
            [["id": 1, "r": ["t": 1]], ["id": 2]], "[[e]]\nid = 1 # c\n[e.r]\nt = 1\n\n[[e]]\nid = 2\n\n[z]\n"),
        Example(
            "change a table", "[[e]]\nid = 1 # c\n[[e]]\nid = 2 # d\n", ["e"], [["id": 1], ["id": 3, "x": ["y": 1]]],
            "[[e]]\nid = 1 # c\n[[e]]\nid = 3 # d\nx = { y = 1 }\n"),
        Example(
            "put a table first", "# c\n[[e]]\nid = 1\n", ["e"], [["id": 0], ["id": 1]],
            "# c\n[[e]]\nid = 0\n\n[[e]]\nid = 1\n"),
        Example(
            "remove a table", "[z]\n\n[[e]]\nid = 1\n\n[[e]]\nid = 2 # c\n", ["e"], [["id": 2]],
            "[z]\n\n[[e]]\nid = 2 # c\n"),
        Example("no table is left", "[[e]]\nid = 1\n[z]\n", ["e"], [], "e = []\n\n[z]\n"),
    ]

    @Test(arguments: values + removals + lists)
    func editsLeaveTheRestAlone(example: Example) throws {
        var document = try TOMLDocument(Array(example.before.utf8))
        if let value = example.value {
            try document.set(example.path, to: value)
            #expect(document.value(at: example.path) == value)
        } else {
            try document.remove(example.path)
            #expect(!document.contains(example.path))
        }
        #expect(String(decoding: document.text, as: UTF8.self) == example.after)
    }

    @Test(arguments: [
        (JSONValue.array([nil]), "null cannot be stored in a list"),
        (.number(JSONNumber(UInt64.max)), "the number is out of range"),
    ])
    func valuesWithoutATextAreRefused(value: JSONValue, message: String) throws {
        var document = try TOMLDocument()
        let error = try #require(throws: TOMLEditError.self) { try document.set(["a"], to: value) }
        guard case .unstorable(let problem) = error else { throw error }
        #expect(problem.message == message)
        #expect(document.text.isEmpty)
    }
}
