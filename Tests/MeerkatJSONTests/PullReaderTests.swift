import MeerkatJSON
import Testing

@Suite struct PullReader {
    private func read<T>(
        _ text: String, _ body: (inout JSONReader) throws(JSONError) -> T
    ) throws(JSONError) -> T {
        try JSONReader.read(Array(text.utf8), body)
    }

    // MARK: Names

    /// Tells which literal of a `switch` a name matches.
    private func match(_ text: String) throws(JSONError) -> [String] {
        var matches: [String] = []
        try read(text) { (reader) throws(JSONError) in
            try reader.readObject { (_, key) throws(JSONError) in
                switch key {
                case "": matches.append("(empty)")
                case "a": matches.append("a")
                case "name": matches.append("name")
                case "nämé": matches.append("nämé")
                case "a longer name than a word": matches.append("long")
                case "quo\"te\\": matches.append("quote")
                case "K": matches.append("K")
                default: matches.append("? \(key.string)")
                }
            }
        }
        return matches
    }

    @Test func aNameMatchesItsLiteral() throws {
        let text = #"{"":1,"a":1,"name":1,"nämé":1,"a longer name than a word":1,"quo\"te\\":1}"#
        #expect(try match(text) == ["(empty)", "a", "name", "nämé", "long", "quote"])
    }

    @Test func anEscapedNameMatchesItsLiteral() throws {
        let text =
            #"{"\u0061":1,"n\u0061me":1,"n\u00e4m\u00E9":1,"a longer name than a \u0077ord":1,"quo\u0022te\u005c":1}"#
        #expect(try match(text) == ["a", "name", "nämé", "long", "quote"])
    }

    @Test func aNameThatOnlyResemblesALiteralDoesNotMatch() throws {
        let text = #"{"nam":1,"names":1,"Name":1," name":1,"n\u0061m":1,"b":1,"a\u0000":1}"#
        #expect(try match(text) == ["? nam", "? names", "? Name", "?  name", "? nam", "? b", "? a\0"])
    }

    @Test func anEscapedNameIsComparedByItsCharacters() throws {
        #expect(try match(#"{"\u212a":1}"#) == ["? \u{212A}"])
        #expect(try match(#"{"na\u0308me\u0301":1}"#).map { $0.hasPrefix("?") } == [true])
    }

    @Test func everyMemberIsSeenInOrderDuplicatesIncluded() throws {
        var seen: [String] = []
        try read(#"{"b":1,"a":2,"b":3}"#) { (reader) throws(JSONError) in
            try reader.readObject { (reader, key) throws(JSONError) in
                seen.append("\(key.string)=\(try reader.readInteger(Int.self))")
            }
        }
        #expect(seen == ["b=1", "a=2", "b=3"])
    }

    // MARK: Skipping

    /// Reads the member `wanted` and leaves all others alone.
    private func wanted(_ text: String) throws(JSONError) -> Int? {
        try read(text) { (reader) throws(JSONError) in
            var value: Int?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "wanted": value = try reader.readInteger()
                default: break
                }
            }
            return value
        }
    }

    @Test(arguments: [
        "null", "true", "0", "-1.5e3", #""""#, #""}\",""#, "[]", "{}", #"[1,{"wanted":2},[[]]]"#, #"{"wanted":[{}]}"#,
    ])
    func aMemberThatIsNotReadIsSkipped(other: String) throws {
        #expect(try wanted(#"{"other":\#(other),"wanted":7,"another": \#(other) }"#) == 7)
        #expect(try wanted(#"{"other":\#(other)}"#) == nil)
    }

    @Test(arguments: ["01", "[1,]", #"{"b":}"#, #""\x""#, "tru", #"{"b":1,}"#, "[\"\u{1}\"]"])
    func aSkippedMemberIsCheckedAsStrictly(other: String) throws {
        let text = #"{"list":[0,{"other":\#(other)}],"wanted":7}"#
        let expected = try #require(Reading.tree.error(text))
        #expect(throws: expected) { try wanted(text) }
    }

    @Test func anElementThatIsNotReadIsSkipped() throws {
        var seen: [Int] = []
        try read(#"[1, "skipped", 2, [3], {"a": 4} , 5]"#) { (reader) throws(JSONError) in
            try reader.readArray { (reader) throws(JSONError) in
                if try reader.peek() == .number { seen.append(try reader.readInteger()) }
            }
        }
        #expect(seen == [1, 2, 5])
    }

    @Test func aValueMayBeLookedAtBeforeItIsSkipped() throws {
        var kinds: [JSONReader.Kind] = []
        try read(#"[ {"a":1} , [1] , "x" , 1 , true , false , null ]"#) { (reader) throws(JSONError) in
            try reader.readArray { (reader) throws(JSONError) in
                kinds.append(try reader.peek())
                kinds.append(try reader.peek())
            }
        }
        let expected: [JSONReader.Kind] = [.object, .array, .string, .number, .boolean, .boolean, .null]
        #expect(kinds == expected.flatMap { [$0, $0] })
    }

    @Test func aBodyThatReadsNothingLeavesTheTextBehind() {
        #expect(throws: JSONError(.trailingBytes, offset: 1)) { try read(" 1") { (_) throws(JSONError) in } }
        #expect(throws: JSONError(.unexpectedEnd)) { try read("") { (_) throws(JSONError) in } }
    }

    // MARK: Types

    @Test func aNullIsNilWhereAValueIsOptional() throws {
        #expect(try read("null") { (reader) throws(JSONError) in try reader.readOptional(Int.self) } == nil)
        #expect(try read("3") { (reader) throws(JSONError) in try reader.readOptional(Int.self) } == 3)
        #expect(throws: JSONError(.unexpectedEnd, offset: 3)) {
            try read("nul") { (reader) throws(JSONError) in try reader.readOptional(Int.self) }
        }
    }

    @Test func aValueOfAnotherTypeIsReportedWithItsPlace() {
        func mismatch(_ expected: String) -> JSONError { JSONError(.typeMismatch(expected: expected), offset: 1) }
        #expect(throws: mismatch("a string")) { try String(json: Array(" 1".utf8)) }
        #expect(throws: mismatch("a boolean")) { try Bool(json: Array(" null".utf8)) }
        #expect(throws: mismatch("an integer")) { try Int(json: Array(#" "1""#.utf8)) }
        #expect(throws: mismatch("a number")) { try Double(json: Array(" true".utf8)) }
        #expect(throws: mismatch("an array")) { try [Int](json: Array(" {}".utf8)) }
        #expect(throws: mismatch("an object")) { try JSONObject(json: Array(" []".utf8)) }
    }

    @Test func whatIsNoValueAtAllIsReportedAsSuch() {
        let error = JSONError(.unexpectedByte(UInt8(ascii: "?")), offset: 1)
        #expect(throws: error) { try String(json: Array(" ?".utf8)) }
        #expect(throws: error) { try Bool(json: Array(" ?".utf8)) }
        #expect(throws: error) { try Int(json: Array(" ?".utf8)) }
        #expect(throws: error) { try [Int](json: Array(" ?".utf8)) }
        #expect(throws: error) { try JSONObject(json: Array(" ?".utf8)) }
        #expect(throws: JSONError(.unexpectedEnd, offset: 1)) { try Int(json: Array(" ".utf8)) }
    }
}
