import FoundationEssentials
import MeerkatCore
import MeerkatJSON
import MeerkatJSONSchema
import Testing

@testable import MeerkatTools

/// What models are told of the built-in tools.
///
/// With `MEERKAT_WRITE_CONTRACT=1` the file is written anew.
@Suite struct BuiltinToolFamily {
    let tools = BuiltinTools.make(root: "/", taskStore: TaskStore(path: nil, clock: MachineClock()))

    @Test func definitionsAreThoseOfTheFixture() throws {
        let value = try JSONValue(json: tools.map(\.definition).jsonBytes)
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/builtin-tools.json")
        if ProcessInfo.processInfo.environment["MEERKAT_WRITE_CONTRACT"] == "1" {
            try Data(PrettyJSON.text(value.jsonBytes) + [0x0A]).write(to: file)
        }
        #expect(try JSONValue(json: Array(try Data(contentsOf: file))) == value)
    }

    @Test(arguments: [
        (
            "task_create",
            #"{"subject":"s","description":"d","priority":"high","labels":["a"],"blocks":null,"metadata":{"a":1}}"#
        ), ("task_create", #"{"subject":"s","description":"d","priority":null}"#),
        ("task_get", #"{"id":"t"}"#), ("task_list", "{}"), ("task_list", #"{"status":"in_progress","labels":[]}"#),
        (
            "task_update",
            #"{"id":"t","status":"completed","add_blocks":["a"],"remove_blocked_by":["b"],"metadata":{"a":null}}"#
        ), ("wait", #"{"seconds":0.5}"#), ("datetime", "{}"), ("read_file", #"{"path":"f","offset":1,"limit":20}"#),
        ("write_file", #"{"path":"f","content":""}"#),
        ("edit_file", #"{"path":"f","old_text":"a","new_text":"b","replace_all":true}"#), ("list_files", "{}"),
        ("list_files", #"{"path":".","pattern":"**/*.swift","recursive":true,"limit":10}"#),
        (
            "search_files",
            #"{"pattern":"a+","path":null,"glob":"*.c","case_sensitive":false,"limit":1,"context":0}"#
        ),
    ])
    func argumentsThatAreRightAreAccepted(name: String, arguments: String) throws {
        let tool = try #require(tools.first { $0.definition.name == name })
        let schema = try JSONSchema(try tool.definition.inputSchema.value())
        #expect(try schema.violations(in: try JSONValue(json: Array(arguments.utf8))) == [])
        try decode(arguments, for: tool)
    }

    @Test func everySchemaIsAnObjectWithItsPropertiesAndWhatIsRequired() throws {
        for tool in tools {
            let schema = try tool.definition.inputSchema.value()
            #expect(schema.object?.names == ["type", "properties", "required"])
        }
    }

    private func decode<T: Tool>(_ arguments: String, for tool: T) throws {
        _ = try T.Arguments(json: Array(arguments.utf8))
    }
}
