public import MeerkatJSON

/// A method of the contract: its name and the types of its parameters and result.
public protocol RPCMethod {
    associatedtype Params: JSONReadable & Sendable
    associatedtype Result: JSONWritable & Sendable
    static var name: String { get }
}

/// Parameters of a method that has none; whatever is sent is ignored.
public struct NoParams: JSONReadable, Sendable {
    public init() {}
    public init(from reader: inout JSONReader) throws(JSONError) { try reader.skip() }
}

/// A result that says one thing: `{"ok":true}`.
public struct Flag: JSONWritable, Sendable, Hashable {
    public let name: StaticString
    public let value: Bool

    public init(_ name: StaticString, _ value: Bool = true) {
        self.name = name
        self.value = value
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { $0.member(name, value) }
    }

    public static func == (left: Flag, right: Flag) -> Bool {
        left.name.description == right.name.description && left.value == right.value
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name.description)
        hasher.combine(value)
    }
}
