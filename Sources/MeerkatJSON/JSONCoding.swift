/// A type that reads itself from JSON.
public protocol JSONReadable {
    init(from reader: inout JSONReader) throws(JSONError)
}

/// A type that writes itself as JSON, members in declaration order.
public protocol JSONWritable {
    func write(to writer: inout JSONWriter)
}

public typealias JSONCodable = JSONReadable & JSONWritable

extension JSONReadable {
    /// Reads the only value in `bytes`.
    public init(json bytes: [UInt8]) throws(JSONError) {
        self = try JSONReader.read(bytes) { (reader) throws(JSONError) in try Self(from: &reader) }
    }
}

extension JSONWritable {
    public var jsonBytes: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }
}

extension JSONReader {
    /// Reads a value of the given type.
    public mutating func read<T: JSONReadable>(_ type: T.Type = T.self) throws(JSONError) -> T {
        try T(from: &self)
    }

    /// Reads a value, `null` being nil.
    public mutating func readOptional<T: JSONReadable>(_ type: T.Type = T.self) throws(JSONError) -> T? {
        try readNull() ? nil : T(from: &self)
    }

    /// The value of a required member, or an error that names it.
    public borrowing func require<T>(_ value: T?, _ name: String) throws(JSONError) -> T {
        guard let value else { throw JSONError(.missingMember(name), offset: position) }
        return value
    }
}

extension String: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readString() }
    public func write(to writer: inout JSONWriter) { writer.writeString(self) }
}

extension Bool: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readBool() }
    public func write(to writer: inout JSONWriter) {
        if self { writer.raw("true") } else { writer.raw("false") }
    }
}

extension Int: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readInteger() }
    public func write(to writer: inout JSONWriter) { writer.writeInteger(self) }
}

extension Int64: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readInteger() }
    public func write(to writer: inout JSONWriter) { writer.writeInteger(self) }
}

extension UInt64: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readInteger() }
    public func write(to writer: inout JSONWriter) { writer.writeInteger(self) }
}

/// Infinite values and NaN, which JSON does not have, are written as `null`.
extension Double: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readDouble() }
    public func write(to writer: inout JSONWriter) {
        if let number = JSONNumber(self) { number.write(to: &writer) } else { writer.writeNull() }
    }
}

extension JSONNumber: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) { self = try reader.readNumber() }
    public func write(to writer: inout JSONWriter) { writer.bytes.append(contentsOf: text.utf8) }
}

extension Array: JSONReadable where Element: JSONReadable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        var elements: [Element] = []
        try reader.readArray { (reader) throws(JSONError) in elements.append(try Element(from: &reader)) }
        self = elements
    }
}

extension Array: JSONWritable where Element: JSONWritable {
    public func write(to writer: inout JSONWriter) {
        writer.writeArray { writer in
            for element in self { writer.element(element) }
        }
    }
}
