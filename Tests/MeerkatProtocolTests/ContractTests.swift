import FoundationEssentials
import MeerkatCore
import MeerkatJSON
import MeerkatProtocol
import Testing

/// `contract/` shows what the types of the protocol write; other SDKs test against the same files.
///
/// With `MEERKAT_WRITE_CONTRACT=1` the files are written anew.
@Suite struct Contract {
    @Test(arguments: ContractExamples.events.indices)
    func anEventLooksLikeItsExample(index: Int) throws {
        let event = ContractExamples.events[index]
        let line: JSONValue = [
            "jsonrpc": "2.0", "method": "session/event",
            "params": [
                "session_id": .string("\(ContractExamples.session)"), "run_id": .string("\(ContractExamples.run)"),
                "request_id": 3, "event": try JSONValue(json: event.jsonBytes),
            ],
        ]
        try check(line, "events/\(event.type).json")
    }

    @Test func everyEventHasAnExample() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: ContractFiles.path + "/events")
        #expect(names.sorted() == ContractExamples.events.map { "\($0.type).json" }.sorted())
    }

    @Test(arguments: ContractExamples.methods.indices)
    func aMethodLooksLikeItsExample(index: Int) throws {
        let example = ContractExamples.methods[index]
        var document: JSONObject = [
            "method": .string(example.name), "params": try JSONValue(json: Array(example.params.utf8)),
        ]
        if let result = example.result { document["result"] = try JSONValue(json: result) }
        try example.decode(Array(example.params.utf8))
        let file = example.name.split(separator: "/").joined(separator: ".")
        try check(.object(document), "methods/\(file).json")
    }

    @Test func errorsAreListedWithTheirNumbers() throws {
        try check(try JSONValue(json: ErrorTable.rows.jsonBytes), "errors.json")
    }

    @Test func anErrorResponseLooksLikeItsExample() throws {
        let error = RPCError(
            SessionError(.cancelled(survivors: []), session: ContractExamples.session, run: ContractExamples.run))
        try check(["jsonrpc": "2.0", "id": 7, "error": try JSONValue(json: error.jsonBytes)], "error.json")
    }

    @Test func capabilitiesAreTheTruthAboutThisBuild() throws {
        try check(try JSONValue(json: Capabilities().jsonBytes), "capabilities.json")
    }

    private func check(_ value: JSONValue, _ file: String) throws {
        let path = ContractFiles.path + "/" + file
        if ProcessInfo.processInfo.environment["MEERKAT_WRITE_CONTRACT"] == "1" {
            try Data((value.prettyText() + "\n").utf8).write(to: URL(filePath: path))
        }
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(try JSONValue(json: Array(bytes)) == value, "\(file)")
    }
}

enum ContractFiles {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "contract").path
}

extension JSONValue {
    /// The value over several lines, two spaces a level.
    func prettyText(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .object(let object) where !object.isEmpty:
            let members = object.members.map { member in
                inner + String(decoding: member.name.jsonBytes, as: UTF8.self) + ": "
                    + member.value.prettyText(indent: inner)
            }
            return "{\n" + members.joined(separator: ",\n") + "\n\(indent)}"
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + $0.prettyText(indent: inner) }.joined(separator: ",\n")
                + "\n\(indent)]"
        default:
            return String(decoding: jsonBytes, as: UTF8.self)
        }
    }
}
