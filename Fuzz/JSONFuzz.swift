/// Reads arbitrary bytes in every way MeerkatJSON offers and stops the program when two of them disagree.
///
/// `scripts/fuzz` compiles this file together with the sources of MeerkatJSON.
@_cdecl("LLVMFuzzerTestOneInput")
public func readArbitraryBytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = UnsafeRawBufferPointer(start: start, count: count)
    let tree = outcome(of: text) { (reader) throws(JSONError) in try JSONValue(from: &reader) }
    let raw = outcome(of: text) { (reader) throws(JSONError) in try reader.readRaw() }
    let skipped = outcome(of: text) { (reader) throws(JSONError) in try reader.skip() }
    switch (tree, raw, skipped) {
    case (.success(let value), .success(let raw), .success):
        checkBytes(of: raw, in: text)
        checkRoundTrip(of: value, raw)
        checkScalars(of: value, in: text)
    case (.failure(let error), .failure(let rawError), .failure(let skipError))
    where error == rawError && error == skipError:
        precondition((0...count).contains(error.offset), "the error lies outside the text")
        _ = error.description
    default:
        preconditionFailure("\(tree), \(raw) and \(skipped) disagree")
    }
    return 0
}

private func outcome<T>(
    of text: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws(JSONError) -> T
) -> Result<T, JSONError> {
    Result { () throws(JSONError) in try JSONReader.read(text, body) }
}

/// The raw value is the text without the white space around it.
private func checkBytes(of raw: RawJSON, in text: UnsafeRawBufferPointer) {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    let leading = text.prefix(while: isSpace).count
    let trailing = text.reversed().prefix(while: isSpace).count
    precondition(raw.bytes.elementsEqual(text[leading..<text.count - trailing]), "the raw value is not the text's")
}

/// What is written reads back equal and is written the same again.
private func checkRoundTrip(of value: JSONValue, _ raw: RawJSON) {
    let bytes = value.jsonBytes
    guard case .success(let back) = Result(catching: { () throws(JSONError) in try JSONValue(json: bytes) }) else {
        preconditionFailure("what was written cannot be read")
    }
    precondition(back == value && back.hashValue == value.hashValue, "what was written reads back differently")
    precondition(back.jsonBytes == bytes, "what was read is written differently")
    guard case .success(let again) = Result(catching: { () throws(JSONError) in try raw.value() }) else {
        preconditionFailure("the raw value cannot be read")
    }
    precondition(again == value, "the raw value reads differently")
}

/// A string or number that stands alone means the same to the readers of its type.
private func checkScalars(of value: JSONValue, in text: UnsafeRawBufferPointer) {
    switch value {
    case .string(let string):
        var utf8: [UInt8] = []
        _ = outcome(of: text) { (reader) throws(JSONError) in try reader.readString(appendingTo: &utf8) }
        precondition(utf8.elementsEqual(string.utf8), "an appended string differs")
    case .number(let number):
        let integer = outcome(of: text) { (reader) throws(JSONError) in try reader.readInteger(Int.self) }
        precondition((try? integer.get()) == number.int, "an integer differs")
        let double = outcome(of: text) { (reader) throws(JSONError) in try reader.readDouble() }
        precondition((try? double.get())?.bitPattern == number.double?.bitPattern, "a double differs")
        guard let double = number.double else { return }
        guard case .success(let back) = Result(catching: { () throws(JSONError) in try Double(json: double.jsonBytes) })
        else { preconditionFailure("a double cannot be read back") }
        precondition(back.bitPattern == double.bitPattern, "a double reads back differently")
    case .null, .bool, .array, .object: break
    }
}
