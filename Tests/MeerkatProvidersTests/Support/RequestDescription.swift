import Foundation
import MeerkatJSON

/// What `contract/requests` says of the requests of one wire format.
struct RequestDescription {
    struct Field {
        var name: String
        /// The names of the JSON types that it is sent with.
        var types: Set<String>
        /// Nil when any value is fine.
        var values: [JSONValue]?
        var source: String
        var date: String
        var verified: String

        /// An integer is a number.
        var acceptedTypes: Set<String> { types.contains("number") ? types.union(["integer"]) : types }
    }

    struct Header {
        var name: String
        var when: String
    }

    var fields: [Field]
    var headers: [Header]

    /// The root of the package.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    init(of format: String) throws {
        let file = Self.root.appendingPathComponent("contract/requests/\(format).json")
        let value = try JSONValue(json: Array(Data(contentsOf: file)))
        fields = (value["fields"]?.array ?? []).map { field in
            Field(
                name: field["field"]?.string ?? "",
                types: Set((field["type"]?.string ?? "").split(separator: "|").map(String.init)),
                values: field["values"]?.array, source: field["source"]?.string ?? "",
                date: field["date"]?.string ?? "", verified: field["verified"]?.string ?? "")
        }
        headers = (value["headers"]?.array ?? []).map { header in
            Header(name: header["name"]?.string ?? "", when: header["when"]?.string ?? "")
        }
    }

    /// Fields of which only the type is of interest: what is in them is the user's.
    var opaque: Set<String> { Set(fields.filter { $0.types == ["any"] }.map(\.name)) }
}

/// The fields of some bodies, such as `messages[].role`, with the types and texts that they have there.
struct BodyFields {
    private(set) var types: [String: Set<String>] = [:]
    private(set) var texts: [String: Set<JSONValue>] = [:]
    private let opaque: Set<String>

    /// - Parameter opaque: Fields that are not looked into.
    init(opaque: Set<String> = []) {
        self.opaque = opaque
    }

    mutating func add(_ value: JSONValue, at path: String = "") {
        guard !opaque.contains(path) else {
            types[path] = ["any"]
            return
        }
        if !path.isEmpty {
            types[path, default: []].insert(value.typeName)
            if value.string != nil { texts[path, default: []].insert(value) }
        }
        for member in value.object?.members ?? [] {
            add(member.value, at: path.isEmpty ? member.name : "\(path).\(member.name)")
        }
        for element in value.array ?? [] { add(element, at: path + "[]") }
    }
}

extension JSONValue {
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: int == nil ? "number" : "integer"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
