import Foundation
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatProviders

/// Holds what is sent, `contract/requests` and `docs/providers.md` together.
@Suite struct RequestDescriptionTests {
    static let formats = ["anthropic", "openai", "gemini", "chat"]

    private func fields(of format: String, _ description: RequestDescription) throws -> BodyFields {
        var fields = BodyFields(opaque: description.opaque)
        for request in try RequestSamples.of(format) { fields.add(try JSONValue(json: Array(request.text.utf8))) }
        return fields
    }

    @Test(arguments: formats)
    func whatIsSentIsDescribed(_ format: String) throws {
        let description = try RequestDescription(of: format)
        let sent = try fields(of: format, description)
        for (name, types) in sent.types.sorted(by: { $0.key < $1.key }) {
            guard let field = description.fields.first(where: { $0.name == name }) else {
                Issue.record("\(name) (\(types.sorted().joined(separator: "|"))) is not described")
                continue
            }
            #expect(types.isSubset(of: field.acceptedTypes), "\(name)")
            guard let values = field.values else { continue }
            #expect(sent.texts[name, default: []].isSubset(of: Set(values)), "\(name)")
        }
    }

    @Test(arguments: formats)
    func whatIsDescribedIsSent(_ format: String) throws {
        let description = try RequestDescription(of: format)
        let sent = try fields(of: format, description)
        for field in description.fields {
            #expect(field.types.isSubset(of: sent.types[field.name, default: []]), "\(field.name)")
        }
    }

    @Test(arguments: formats)
    func headersAreDescribed(_ format: String) throws {
        let description = try RequestDescription(of: format)
        let sent = Set(try RequestSamples.of(format).flatMap { $0.headers.map(\.name) })
        let fromConfiguration = format == "chat" ? ["api-key"] : []
        #expect(sent.union(fromConfiguration) == Set(description.headers.map(\.name)))
        #expect(description.headers.allSatisfy { !$0.when.isEmpty })
    }

    private static let kinds: Set = [
        "documentation", "official SDK source", "recorded request", "local server", "unverified",
    ]

    @Test(arguments: formats)
    func descriptionsSayWhereTheyAreFrom(_ format: String) throws {
        let fields = try RequestDescription(of: format).fields
        let names = fields.map(\.name)
        #expect(names == Set(names).sorted())
        for field in fields {
            #expect(field.source.hasPrefix("https://"), "\(field.name)")
            #expect(field.date.wholeMatch(of: /20\d\d-\d\d(-\d\d)?/) != nil, "\(field.name)")
            #expect(Self.kinds.contains(field.verified), "\(field.name)")
        }
    }

    @Test(.enabled(if: Recording.folder != nil, "the recordings are not there"), arguments: formats)
    func whatIsSaidToBeRecordedIs(_ format: String) throws {
        let folders = ["openai": "openai_responses", "chat": "openai_chat"]
        var recorded = BodyFields()
        for recording in Recording.all(of: folders[format] ?? format) where recording.status == 200 {
            if let request = recording.request { recorded.add(request) }
        }
        for field in try RequestDescription(of: format).fields {
            let types = recorded.types[field.name, default: []]
            let isRecorded = field.types == ["any"] ? !types.isEmpty : !types.isDisjoint(with: field.acceptedTypes)
            if field.verified == "recorded request" { #expect(isRecorded, "\(field.name)") }
        }
    }

    @Test func whatIsNotVerifiedIsInTheDocumentation() throws {
        let file = RequestDescription.root.appendingPathComponent("docs/providers.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let section = text.components(separatedBy: "## What could not be verified").last ?? ""
        let listed = section.split(separator: "\n").filter { $0.hasPrefix("- `") }.map(String.init)
        let expected = try Self.formats.flatMap { format in
            try RequestDescription(of: format).fields.filter { $0.verified == "unverified" }
                .map { "- `\(format)`: `\($0.name)`" }
        }
        #expect(listed.map { $0.prefix { $0 != "," } }.map(String.init) == expected)
    }
}
