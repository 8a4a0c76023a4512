import MeerkatJSON

/// The ways in which a whole text can be read; all of them accept and refuse the same texts.
enum Reading: CaseIterable, Sendable {
    case tree, raw, skipping, member

    /// Why `bytes` are refused, or nil when they are accepted.
    func error(_ bytes: [UInt8], maxDepth: Int = JSONReader.defaultMaxDepth) -> JSONError? {
        do throws(JSONError) {
            try JSONReader.read(bytes, maxDepth: maxDepth) { (reader) throws(JSONError) in
                switch self {
                case .tree: _ = try JSONValue(from: &reader)
                case .raw: _ = try reader.readRaw()
                case .skipping: try reader.skip()
                case .member: try Self.readMembers(of: &reader)
                }
            }
            return nil
        } catch {
            return error
        }
    }

    func error(_ text: String) -> JSONError? { error(Array(text.utf8)) }

    /// Reads the outermost container as a consumer does that wants none of its values.
    private static func readMembers(of reader: inout JSONReader) throws(JSONError) {
        switch try reader.peek() {
        case .object: try reader.readObject { (_, _) throws(JSONError) in }
        case .array: try reader.readArray { (_) throws(JSONError) in }
        case .string: _ = try reader.readString()
        case .number: _ = try reader.readNumber()
        case .boolean: _ = try reader.readBool()
        case .null: _ = try reader.readNull()
        }
    }
}

extension JSONValue {
    init(text: String) throws(JSONError) {
        try self.init(json: Array(text.utf8))
    }
}

extension JSONWritable {
    var jsonText: String { String(decoding: jsonBytes, as: UTF8.self) }
}

/// Compares code unit by code unit: `==` takes canonically equivalent strings for equal.
func isIdentical(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
}
