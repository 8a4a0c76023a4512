import MeerkatJSON
import Testing

@Suite struct Truncation {
    static let texts = [
        #"{"name":"wait","arguments":{"seconds":1.50e+3,"list":[true,false,null,-0]},"note":"a\"\\\/\u00e9\ud83d\ude00z"}"#,
        #"[ { "é€😀" : "é€😀 plain ascii text over several words" } , [ ] , { } , "" , 123456789012345678901234567890 ]"#,
        #"[[[[{"a":{"b":{"c":[[],[[]],{}]}}}]]]]"#,
        #""a string of its own, longer than two words, with \n escapes and é""#,
    ]

    @Test(arguments: texts, Reading.allCases)
    func aTextCutAtAnyByteIsRefused(text: String, reading: Reading) throws {
        let bytes = Array(text.utf8)
        #expect(reading.error(bytes) == nil)
        for length in 0..<bytes.count {
            let error = try #require(reading.error(Array(bytes[..<length])), "\(length) bytes were accepted")
            #expect((0...length).contains(error.offset))
            let isEnd = [.unexpectedEnd, .invalidUTF8, .invalidNumber].contains(error.reason)
            #expect(isEnd, "\(error) after \(length) bytes")
        }
    }

    @Test(arguments: texts, Reading.allCases)
    func whatACutLeavesBehindIsRefused(text: String, reading: Reading) throws {
        let bytes = Array(text.utf8)
        for length in 1..<bytes.count {
            #expect(reading.error(Array(bytes[length...])) != nil, "\(bytes.count - length) last bytes were accepted")
        }
    }

    @Test(arguments: texts, Reading.allCases)
    func aTextThatLacksAByteOrHasAnotherOneIsReadWithoutACrash(text: String, reading: Reading) {
        let bytes = Array(text.utf8)
        for place in bytes.indices {
            var changed = bytes
            changed.remove(at: place)
            expectAgreement(on: changed, with: reading)
            for byte in [
                0x00, 0x20, 0x22, 0x2C, 0x30, 0x5B, 0x5C, 0x5D, 0x75, 0x7B, 0x7D, 0x80, 0xC3, 0xED, 0xF0, 0xFF,
            ] as [UInt8] {
                changed = bytes
                changed[place] = byte
                expectAgreement(on: changed, with: reading)
            }
        }
    }

    private func expectAgreement(on bytes: [UInt8], with reading: Reading) {
        #expect(reading.error(bytes) == Reading.tree.error(bytes))
    }

    /// The reader looks at eight bytes at a time; a text that ends within them must not be read beyond its end.
    @Test(arguments: 1...40)
    func nothingBehindTheEndIsLookedAt(length: Int) {
        let bytes = Array(String(repeating: "\"", count: 64).utf8)
        var text = [UInt8](repeating: UInt8(ascii: "a"), count: 64)
        text[0] = UInt8(ascii: "\"")
        text[length...] = bytes[length...]
        let error = text.withUnsafeBytes { whole in
            let cut = UnsafeRawBufferPointer(rebasing: whole[..<length])
            return #expect(throws: JSONError.self) {
                try JSONReader.read(cut) { (reader) throws(JSONError) in try reader.readString() }
            }
        }
        #expect(error == JSONError(.unexpectedEnd, offset: length))
    }
}
