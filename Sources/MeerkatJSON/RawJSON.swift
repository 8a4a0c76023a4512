/// One JSON value as the bytes it was written with: checked once, never encoded anew.
///
/// For foreign data that must come back unchanged: tool arguments, provider items, schemas.
public struct RawJSON: Hashable, Sendable {
    /// The value without white space around it.
    public let bytes: [UInt8]

    init(validated bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Checks `bytes` and keeps them, white space around the value left out.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        self = try JSONReader.read(bytes) { (reader) throws(JSONError) in try reader.readRaw() }
    }

    public init(_ text: String) throws(JSONError) {
        try self.init(Array(text.utf8))
    }

    public init(encoding value: some JSONWritable) {
        bytes = value.jsonBytes
    }

    public static let emptyObject = RawJSON(validated: Array("{}".utf8))

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The value as a tree.
    public func value() throws(JSONError) -> JSONValue {
        try JSONValue(json: bytes)
    }
}

extension RawJSON: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.readRaw()
    }

    public func write(to writer: inout JSONWriter) {
        writer.bytes.append(contentsOf: bytes)
    }
}
