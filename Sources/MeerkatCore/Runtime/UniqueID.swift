public import MeerkatJSON

/// A 128-bit identifier in the text form of RFC 9562: lower-case, hyphenated.
public struct UniqueID: Hashable, Sendable, Comparable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A version 7 identifier: the time in its first 48 bits, so that ids sort by creation.
    public init(at time: Timestamp, random: (UInt64, UInt64)) {
        high = UInt64(bitPattern: time.milliseconds) << 16 | 0x7000 | random.0 & 0x0FFF
        low = 0x8000_0000_0000_0000 | random.1 & 0x3FFF_FFFF_FFFF_FFFF
    }

    /// Reads the 36-character form, in either case; anything else is nil.
    public init?(_ text: String) {
        var text = text
        let parsed = text.withUTF8 { bytes -> (UInt64, UInt64)? in
            guard bytes.count == 36 else { return nil }
            var words: (UInt64, UInt64) = (0, 0)
            var digits = 0
            for (index, byte) in bytes.enumerated() {
                if index == 8 || index == 13 || index == 18 || index == 23 {
                    guard byte == UInt8(ascii: "-") else { return nil }
                    continue
                }
                let value: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
                default: return nil
                }
                if digits < 16 {
                    words.0 = words.0 << 4 | UInt64(value)
                } else {
                    words.1 = words.1 << 4 | UInt64(value)
                }
                digits += 1
            }
            return words
        }
        guard let parsed else { return nil }
        (high, low) = parsed
    }

    public static func < (left: UniqueID, right: UniqueID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UniqueID: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var position = 0
            for word in [high, low] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    if position == 8 || position == 13 || position == 18 || position == 23 {
                        text[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                    text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                    position += 1
                }
            }
            return position
        }
    }
}

/// An id of one kind of thing.
public protocol Identifier: Hashable, Sendable, Comparable, CustomStringConvertible, JSONCodable {
    var uuid: UniqueID { get }
    init(_ uuid: UniqueID)
}

extension Identifier {
    public init?(_ text: String) {
        guard let uuid = UniqueID(text) else { return nil }
        self.init(uuid)
    }

    public var description: String { uuid.description }
    public static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }

    public init(from reader: inout JSONReader) throws(JSONError) {
        let start = reader.position
        guard let id = Self(try reader.readString()) else {
            throw JSONError(.invalidValue("not a UUID"), offset: start)
        }
        self = id
    }

    public func write(to writer: inout JSONWriter) { writer.writeString(description) }
}

/// Names a session; version 7, so ids sort by creation.
public struct SessionID: Identifier {
    public let uuid: UniqueID
    public init(_ uuid: UniqueID) { self.uuid = uuid }
}

/// Names a run: one `session/create` or `turn/start`.
///
/// A client may choose it.
public struct RunID: Identifier {
    public let uuid: UniqueID
    public init(_ uuid: UniqueID) { self.uuid = uuid }
}
