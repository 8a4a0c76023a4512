import MeerkatJSON
import Testing

@Suite struct RawJSONValues {
    static let texts = [
        "null", "-0", "1.50", "1e400", #""\u0061\/\ud800""#, "{ \"b\" : 1 ,\t\"a\":[ ] , \"b\":2 }", "[\r\n1 , 2 ]",
        #"{"a":{"a":{"a":[1.0,{"é":"\u00e9"}]}}}"#,
    ]

    @Test(arguments: texts)
    func theBytesAreKeptAsTheyWereWritten(text: String) throws {
        #expect(try RawJSON(text).text == text)
        #expect(try RawJSON(text).bytes == Array(text.utf8))
        #expect(try RawJSON(text).jsonText == text)
        #expect(try RawJSON(json: Array(text.utf8)) == RawJSON(text))
        #expect(try RawJSON(text).value() == JSONValue(text: text))
    }

    @Test(arguments: texts)
    func whiteSpaceAroundTheValueIsLeftOut(text: String) throws {
        #expect(try RawJSON(" \t\r\n\(text)\n\r\t ").text == text)
    }

    @Test(arguments: texts)
    func aMemberIsCutOutOfItsObject(text: String) throws {
        var members: [String: RawJSON] = [:]
        let bytes = Array(#" {"before":[1], "raw" : \#(text) , "after":{"raw":0}, "list":[\#(text), \#(text) ]}"#.utf8)
        var list: [RawJSON] = []
        try JSONReader.read(bytes) { (reader) throws(JSONError) in
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "list": list = try reader.read()
                default: members[key.string] = try reader.readRaw()
                }
            }
        }
        #expect(members["before"]?.text == "[1]")
        #expect(members["raw"]?.text == text)
        #expect(members["after"]?.text == #"{"raw":0}"#)
        #expect(list.map(\.text) == [text, text])
    }

    @Test func aValueIsWrittenBetweenOthersAsItIs() throws {
        var writer = JSONWriter()
        let raw = try RawJSON("{ \"a\" : 1.50 }")
        writer.writeObject { writer in
            writer.member("first", raw)
            writer.member("list", [raw, raw])
            writer.member("last", 1)
        }
        let text = #"{"first":{ "a" : 1.50 },"list":[{ "a" : 1.50 },{ "a" : 1.50 }],"last":1}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    }

    @Test(arguments: ["", " ", "[1,]", "{} {}", "01", "\"\n\"", "nul", "[\"\\ud80\"]"])
    func whatIsNoValueIsRefused(text: String) throws {
        let expected = try #require(Reading.tree.error(text))
        #expect(throws: expected) { try RawJSON(text) }
    }

    @Test func aValueIsEncodedOnce() throws {
        #expect(RawJSON(encoding: ["a": [1, nil]] as JSONValue).text == #"{"a":[1,null]}"#)
        #expect(RawJSON(encoding: "x\n").text == #""x\n""#)
        #expect(RawJSON.emptyObject.text == "{}")
        #expect(try RawJSON.emptyObject.value() == [:])
    }

    @Test func differentBytesAreDifferentValues() throws {
        #expect(try RawJSON("1.0") != RawJSON("1"))
        #expect(try RawJSON("[1]") != RawJSON("[ 1 ]"))
        #expect(try RawJSON(" [1] ") == RawJSON("[1]"))
    }
}
