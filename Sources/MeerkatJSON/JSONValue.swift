/// Any JSON value, with the order of object members and the text of numbers kept.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(value)) }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var int: Int? {
        if case .number(let value) = self { value.int } else { nil }
    }

    public var double: Double? {
        if case .number(let value) = self { value.double } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    public var isNull: Bool { self == .null }

    /// The member of an object, or nil.
    public subscript(name: String) -> JSONValue? { object?[name] }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

extension JSONValue {
    /// Strings are equal when their code units are; `String` would take canonically equivalent ones for equal.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameCodeUnits(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

extension String {
    func hasSameCodeUnits(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}

/// An object whose members keep the order in which they were first set.
///
/// Names are compared code unit by code unit (RFC 8259, section 8.3).
public struct JSONObject: Sendable {
    /// A name and its value.
    public struct Member: Hashable, Sendable {
        public let name: String
        public var value: JSONValue

        public static func == (left: Member, right: Member) -> Bool {
            left.name.hasSameCodeUnits(as: right.name) && left.value == right.value
        }
    }

    /// A name that equals only itself.
    private struct ExactName: Hashable {
        let text: String

        static func == (left: ExactName, right: ExactName) -> Bool { left.text.hasSameCodeUnits(as: right.text) }
    }

    public private(set) var members: [Member] = []
    /// Positions by name; kept only once a linear search would cost more.
    private var index: [ExactName: Int]?

    private static let indexedFrom = 16

    public init() {}

    public var isEmpty: Bool { members.isEmpty }
    public var names: [String] { members.map(\.name) }

    /// The value of a member.
    ///
    /// Setting nil removes it; setting an existing one keeps its place.
    public subscript(name: String) -> JSONValue? {
        get { position(of: name).map { members[$0].value } }
        set {
            switch (position(of: name), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                index = nil
                buildIndexIfLarge()
            case (nil, let value?):
                members.append(Member(name: name, value: value))
                if index != nil { index?[ExactName(text: name)] = members.count - 1 } else { buildIndexIfLarge() }
            case (nil, nil): break
            }
        }
    }

    private func position(of name: String) -> Int? {
        if let index { return index[ExactName(text: name)] }
        return members.firstIndex { $0.name.hasSameCodeUnits(as: name) }
    }

    private mutating func buildIndexIfLarge() {
        guard members.count > Self.indexedFrom else { return }
        index = Dictionary(uniqueKeysWithValues: members.enumerated().map { (ExactName(text: $1.name), $0) })
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        for (name, value) in elements { self[name] = value }
    }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }
    public func hash(into hasher: inout Hasher) { hasher.combine(members) }
}

extension JSONValue: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        switch try reader.peek() {
        case .null:
            _ = try reader.readNull()
            self = .null
        case .boolean: self = .bool(try reader.readBool())
        case .number: self = .number(try reader.readNumber())
        case .string: self = .string(try reader.readString())
        case .array:
            var elements: [JSONValue] = []
            try reader.readArray { (reader) throws(JSONError) in elements.append(try JSONValue(from: &reader)) }
            self = .array(elements)
        case .object: self = .object(try JSONObject(from: &reader))
        }
    }

    public func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.writeNull()
        case .bool(let value): value.write(to: &writer)
        case .number(let value): value.write(to: &writer)
        case .string(let value): value.write(to: &writer)
        case .array(let elements): elements.write(to: &writer)
        case .object(let object): object.write(to: &writer)
        }
    }
}

extension JSONObject: JSONCodable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        var object = JSONObject()
        try reader.readObject { (reader, key) throws(JSONError) in
            object[key.string] = try JSONValue(from: &reader)
        }
        self = object
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            for member in members { writer.member(named: member.name, member.value) }
        }
    }
}
