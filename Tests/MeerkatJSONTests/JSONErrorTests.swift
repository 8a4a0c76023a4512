import MeerkatJSON
import Testing

@Suite struct JSONErrors {
    /// A type that reads itself the way stored and sent types do.
    private struct Agent: JSONReadable, Equatable {
        var model: String
        var limits: [Int]

        init(from reader: inout JSONReader) throws(JSONError) {
            var model: String?
            var limits: [Int] = []
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "model": model = try reader.read()
                case "limits": limits = try reader.read()
                default: break
                }
            }
            self.model = try reader.require(model, "model")
            self.limits = limits
        }
    }

    private struct Settings: JSONReadable {
        var agents: [Agent] = []

        init(from reader: inout JSONReader) throws(JSONError) {
            try reader.readObject { (reader, key) throws(JSONError) in
                if key.string == "agents" { agents = try reader.read() }
            }
        }
    }

    @Test(
        arguments: [
            (
                #"{"agents":[{"model":1}]}"#,
                JSONError(.typeMismatch(expected: "a string"), offset: 20, path: ["agents", "0", "model"])
            ),
            (
                #"{"agents":[{"model":"m"},{"model":"m","limits":[1,2.5]}]}"#,
                JSONError(.typeMismatch(expected: "an integer"), offset: 50, path: ["agents", "1", "limits", "1"])
            ),
            (#"{"agents":[{}]}"#, JSONError(.missingMember("model"), offset: 13, path: ["agents", "0"])),
            (#"{"agents":{}}"#, JSONError(.typeMismatch(expected: "an array"), offset: 10, path: ["agents"])),
            (
                #"{"agents":[{"model":"m","other":{"deep":[0,01]}}]}"#,
                JSONError(.invalidNumber, offset: 43, path: ["agents", "0", "other", "deep", "1"])
            ),
            (#"{"agents":[{"model":"m"}]"#, JSONError(.unexpectedEnd, offset: 25)),
            ("[]", JSONError(.typeMismatch(expected: "an object"), offset: 0)),
        ])
    func anErrorNamesThePlaceAndThePath(text: String, error: JSONError) {
        #expect(throws: error) { try Settings(json: Array(text.utf8)) }
    }

    @Test func thePathHasEscapedNamesResolved() {
        for reading in Reading.allCases {
            #expect(reading.error(#"{"\u0061.b":{"":[01]}}"#)?.path == ["a.b", "", "0"])
        }
    }

    @Test(arguments: [
        ([], nil), (["agent"], "agent"), (["agent", "model"], "agent.model"), (["list", "0", "id"], "list.0.id"),
    ])
    func theFieldIsThePathWithDots(path: [String], field: String?) {
        #expect(JSONError(.invalidNumber, path: path).field == field)
    }

    @Test(
        arguments: [
            (.unexpectedEnd, "the text ends too early (byte 7)"),
            (.unexpectedByte(UInt8(ascii: "}")), "unexpected '}' (byte 7)"),
            (.unexpectedByte(0), "unexpected byte 0 (byte 7)"),
            (.unexpectedByte(0xEF), "unexpected byte 239 (byte 7)"),
            (.invalidUTF8, "a string is not valid UTF-8 (byte 7)"),
            (.invalidEscape, "invalid escape in a string (byte 7)"),
            (.controlCharacter, "unescaped control character in a string (byte 7)"),
            (.invalidNumber, "malformed number (byte 7)"),
            (.tooDeep(limit: 512), "nested deeper than 512 levels (byte 7)"),
            (.trailingBytes, "something follows the value (byte 7)"),
            (.typeMismatch(expected: "an object"), "expected an object (byte 7)"),
            (.numberOutOfRange, "number out of range (byte 7)"),
            (.missingMember("model"), "missing member \"model\" (byte 7)"),
            (.invalidValue("no such provider"), "no such provider (byte 7)"),
        ] as [(JSONError.Reason, String)])
    func aDescriptionSaysWhatAndWhere(reason: JSONError.Reason, text: String) {
        #expect(JSONError(reason, offset: 7).description == text)
        #expect(JSONError(reason, offset: 7, path: ["agent", "model"]).description == "agent.model: " + text)
    }
}
