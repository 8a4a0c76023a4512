internal import MeerkatCore
internal import MeerkatJSON

extension JSONReader {
    /// Reads a string; a value of another type is skipped.
    mutating func readText() throws(JSONError) -> String? {
        guard try peek() == .string else { return try skipped() }
        return try readString()
    }

    /// Appends a string to `target`; a value of another type is skipped.
    mutating func readText(appendingTo target: inout [UInt8]) throws(JSONError) {
        if try peek() == .string { _ = try readString(appendingTo: &target) } else { try skip() }
    }

    /// Reads a number that counts something; other types and negative numbers are skipped.
    mutating func readCount() throws(JSONError) -> UInt64? {
        guard try peek() == .number else { return try skipped() }
        let number = try readNumber()
        return UInt64(number.text) ?? number.double.flatMap { $0 > 0 && $0 < 1e15 ? UInt64(clamping: $0) : nil }
    }

    /// Reads an object; a value of another type is skipped.
    mutating func readObjectIfAny(
        _ member: (inout JSONReader, JSONKey) throws(JSONError) -> Void
    ) throws(JSONError) {
        if try peek() == .object { try readObject(member) } else { try skip() }
    }

    /// Reads an array; a value of another type is skipped.
    mutating func readArrayIfAny(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
        if try peek() == .array { try readArray(element) } else { try skip() }
    }

    /// Reads one member of an object and skips the others; a value that is no object is skipped whole.
    mutating func readMember(
        _ name: StaticString, _ body: (inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        try readObjectIfAny { (reader, key) throws(JSONError) in if name ~= key { try body(&reader) } }
    }

    private mutating func skipped<T>() throws(JSONError) -> T? {
        try skip()
        return nil
    }
}

/// Reads one JSON value of a provider's answer; what is no JSON makes the answer malformed.
func readForeign<T>(
    _ bytes: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws(JSONError) -> T
) throws(ProviderError) -> T {
    do throws(JSONError) {
        return try JSONReader.read(bytes, body)
    } catch {
        throw ProviderFailure.malformed(error.description)
    }
}
