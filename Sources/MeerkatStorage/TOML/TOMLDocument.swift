internal import MeerkatCore
internal import MeerkatJSON

/// A TOML file: its text and what the text means.
struct TOMLDocument {
    private(set) var text: [UInt8]
    private(set) var statements: [TOMLStatement]
    private(set) var comments: [TextRange]
    private(set) var tree: TOMLTree

    var object: JSONObject { tree.object }

    init(_ text: [UInt8] = []) throws(TOMLError) {
        self.text = text
        var parser = TOMLParser(text)
        statements = try parser.readAll()
        comments = parser.comments
        tree = try TOMLTree(statements)
    }

    /// The document in a file; faults name the file and the place in it.
    init(_ text: [UInt8], file: String) throws(ConfigError) {
        do throws(TOMLError) {
            try self.init(text)
        } catch {
            throw ConfigError(
                .syntax(error.message), origin: .file(file), position: Self.position(of: error.offset, in: text))
        }
    }

    static func position(of offset: Int, in text: [UInt8]) -> ConfigError.Position {
        let before = text[..<min(offset, text.count)]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return ConfigError.Position(
            line: before.count { $0 == 0x0A } + 1,
            column: String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1)
    }

    /// Where a key, or else the innermost table around it, is written.
    func position(of path: ConfigPath) -> ConfigError.Position? {
        var best: (length: Int, offset: Int)?
        for (statement, place) in zip(statements, tree.places) {
            var (length, offset) = (Self.commonLength(place, path.names), statement.range.lowerBound)
            if length == place.count, case .pair(let pair) = statement {
                let inner = Self.locate(path.names[length...], in: pair.value)
                if let innerOffset = inner.offset { (length, offset) = (length + inner.length, innerOffset) }
            } else if length < place.count, length < path.names.count {
                continue
            }
            if length > 0, length > best?.length ?? 0 { best = (length, offset) }
        }
        return best.map { Self.position(of: $0.offset, in: text) }
    }

    private static func locate(_ names: ArraySlice<String>, in node: TOMLNode) -> (length: Int, offset: Int?) {
        switch node.content {
        case .scalar: return (0, nil)
        case .array(let elements):
            guard let first = names.first, let index = Int(first), elements.indices.contains(index) else {
                return (0, nil)
            }
            let inner = locate(names.dropFirst(), in: elements[index])
            return (1 + inner.length, inner.offset ?? elements[index].range.lowerBound)
        case .inlineTable(let pairs):
            guard let pair = pairs.first(where: { names.starts(with: $0.names) }) else { return (0, nil) }
            let inner = locate(names.dropFirst(pair.names.count), in: pair.value)
            return (pair.names.count + inner.length, inner.offset ?? pair.range.lowerBound)
        }
    }

    private static func commonLength(_ left: [String], _ right: [String]) -> Int {
        zip(left, right).prefix { $0 == $1 }.count
    }
}
