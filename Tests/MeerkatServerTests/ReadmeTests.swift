import FoundationEssentials
import Meerkat
import MeerkatCore
import MeerkatJSON
import MeerkatProviders
import MeerkatTesting
import Testing

struct Weather: Tool {
    struct Arguments: JSONReadable, Sendable {
        var city = ""

        init(from reader: inout JSONReader) throws(JSONError) {
            try reader.readObject { (reader, key) throws(JSONError) in
                if case "city" = key { city = try reader.readString() }
            }
        }
    }

    let definition = ToolDefinition(
        name: "weather", description: "The weather in a city.",
        inputSchema: .schema(["city": .string("Its name").required]))
    let effect = ToolEffect.pure  // it may be made again after a crash

    func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .text("Sunny in \(arguments.city).")
    }
}

@Suite struct Readme {
    @Test func theToolOfTheExampleWorks() async throws {
        let provider = ScriptedProvider(.toolCall("weather", arguments: #"{"city":"Oslo"}"#), .text("Sunny."))
        try await withTestClient(provider, tools: [Weather()]) { client in
            try await client.call("session/create", ["prompt": "Oslo?"])
            #expect(provider.histories.last?.contains("Sunny in Oslo.") == true)
        }
    }

    @Test func theExampleIsThisTool() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let here = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        let start = try #require(here.firstRange(of: "struct Weather: Tool {"))
        let end = try #require(here.firstRange(of: "\n}\n\n@Suite"))
        #expect(readme.contains(here[start.lowerBound..<end.lowerBound] + "\n}\n"))
    }
}
