public import MeerkatJSON

/// A point in time in UTC, in milliseconds since 1970; as JSON the same number.
public struct Timestamp: Hashable, Sendable, Comparable, JSONCodable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whole seconds since 1970, as the wire shows times.
    public var seconds: Int64 { milliseconds / 1000 }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    public init(from reader: inout JSONReader) throws(JSONError) { milliseconds = try reader.readInteger() }
    public func write(to writer: inout JSONWriter) { writer.writeInteger(milliseconds) }
}
