import Foundation
import MeerkatJSON
import MeerkatJSONSchema
import Testing

/// The cases of the public JSON-Schema-Test-Suite that are at hand.
///
/// They lie in the folder named by `JSON_SCHEMA_TESTS`, or else in `shared/json-schema-tests` beside the package.
@Suite struct PublicSuiteTests {
    struct Source: CustomTestStringConvertible, Sendable {
        var url: URL
        var draft: JSONSchema.Draft

        var testDescription: String { url.deletingLastPathComponent().lastPathComponent + "/" + url.lastPathComponent }
    }

    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["JSON_SCHEMA_TESTS"] { return URL(filePath: path) }
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appending(path: "shared/json-schema-tests")
    }()

    static let sources: [Source] = files(in: "draft2020-12", .draft2020) + files(in: "draft7", .draft7)

    private static func files(in name: String, _ draft: JSONSchema.Draft) -> [Source] {
        let content = try? FileManager.default.contentsOfDirectory(
            at: folder.appending(path: name), includingPropertiesForKeys: nil)
        return (content ?? []).filter { $0.pathExtension == "json" }
            .sorted { $0.path < $1.path }
            .map { Source(url: $0, draft: draft) }
    }

    /// The documents under `http://localhost:1234/` that the cases at hand refer to.
    private static let remotes: [String: JSONValue] = [
        "http://localhost:1234/draft2020-12/tree.json": [
            "$id": "http://localhost:1234/draft2020-12/tree.json",
            "$dynamicAnchor": "node",
            "type": "object",
            "properties": ["data": true, "children": ["type": "array", "items": ["$dynamicRef": "#node"]]],
        ],
        "http://localhost:1234/draft2020-12/extendible-dynamic-ref.json": [
            "$id": "http://localhost:1234/draft2020-12/extendible-dynamic-ref.json",
            "type": "object",
            "properties": ["elements": ["type": "array", "items": ["$dynamicRef": "#elements"]]],
            "required": ["elements"],
            "additionalProperties": false,
            "$defs": ["elements": ["$dynamicAnchor": "elements"]],
        ],
        "http://localhost:1234/draft2020-12/detached-dynamicref.json": [
            "$id": "http://localhost:1234/draft2020-12/detached-dynamicref.json",
            "$defs": [
                "foo": ["$dynamicRef": "#detached"],
                "detached": ["$dynamicAnchor": "detached", "type": "integer"],
            ],
        ],
    ]

    @Test(.enabled(if: !sources.isEmpty, "the folder of the public suite is missing"), arguments: sources)
    func verdictsAreThoseOfTheSuite(_ source: Source) throws {
        let groups = try #require(try JSONValue(json: Array(Data(contentsOf: source.url))).array)
        for group in groups {
            let name = group["description"]?.string ?? ""
            let schema = try JSONSchema(
                try #require(group["schema"]), draft: source.draft, documents: Self.remotes)
            for test in try #require(group["tests"]?.array) {
                let violations = try schema.violations(in: try #require(test["data"]))
                #expect(
                    violations.isEmpty == test["valid"]?.bool,
                    "\(name): \(test["description"]?.string ?? ""): \(violations)")
            }
        }
    }
}
