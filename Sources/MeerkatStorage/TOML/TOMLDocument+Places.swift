internal import MeerkatCore
internal import MeerkatJSON

/// Bytes to be replaced, and by what.
typealias Replacement = (range: TextRange, text: String)

/// One of several siblings between brackets or braces.
struct TOMLMember {
    var siblings: [TextRange]
    var index: Int
    /// The whole list, brackets included.
    var list: TextRange
    var isTable: Bool
}

/// Where a new key can be written.
struct TOMLContainer {
    enum Kind {
        case root
        /// The index of the header's statement.
        case header(Int)
        case inlineTable(TOMLNode, [TOMLPair])
    }

    var kind: Kind
    var place: [String]
    /// Whether it is, or is in, an element of an array.
    var isInArray: Bool
}

/// Finding things in the text.
extension TOMLDocument {
    func value(at path: [String]) -> JSONValue? {
        var value = JSONValue.object(object)
        for name in path {
            switch value {
            case .object(let object):
                guard let inner = object[name] else { return nil }
                value = inner
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    func contains(_ path: [String]) -> Bool { value(at: path) != nil }

    /// The value that is written at exactly this place.
    func node(at path: [String]) -> TOMLNode? {
        for (statement, place) in zip(statements, tree.places) {
            guard case .pair(let pair) = statement, path.starts(with: place) else { continue }
            if let node = Self.node(at: path[place.count...], in: pair.value) { return node }
        }
        return nil
    }

    private static func node(at names: ArraySlice<String>, in node: TOMLNode) -> TOMLNode? {
        guard let first = names.first else { return node }
        switch node.content {
        case .scalar: return nil
        case .array(let elements):
            guard let index = Int(first), elements.indices.contains(index) else { return nil }
            return self.node(at: names.dropFirst(), in: elements[index])
        case .inlineTable(let pairs):
            for pair in pairs where names.starts(with: pair.names) {
                if let found = self.node(at: names.dropFirst(pair.names.count), in: pair.value) { return found }
            }
            return nil
        }
    }

    /// The first thing between brackets or braces that is at a place or under it.
    func member(atOrUnder path: [String]) -> TOMLMember? {
        for (statement, place) in zip(statements, tree.places) where path.starts(with: place) {
            guard case .pair(let pair) = statement else { continue }
            if let member = Self.member(atOrUnder: path[place.count...], in: pair.value) { return member }
        }
        return nil
    }

    private static func member(atOrUnder names: ArraySlice<String>, in node: TOMLNode) -> TOMLMember? {
        guard let first = names.first else { return nil }
        switch node.content {
        case .scalar: return nil
        case .array(let elements):
            guard let index = Int(first), elements.indices.contains(index) else { return nil }
            guard names.count == 1 else { return member(atOrUnder: names.dropFirst(), in: elements[index]) }
            return TOMLMember(
                siblings: elements.map { $0.range }, index: index, list: node.range, isTable: false)
        case .inlineTable(let pairs):
            for (index, pair) in pairs.enumerated() {
                if pair.names.starts(with: names) {
                    return TOMLMember(siblings: pairs.map { $0.range }, index: index, list: node.range, isTable: true)
                }
                guard names.starts(with: pair.names) else { continue }
                if let found = member(atOrUnder: names.dropFirst(pair.names.count), in: pair.value) { return found }
            }
            return nil
        }
    }

    /// Whether an array is written as `[[path]]`.
    func hasElements(_ path: [String]) -> Bool {
        zip(statements, tree.places).contains { statement, place in
            guard case .header(let header) = statement else { return false }
            return header.isArrayElement && place.dropLast() == path[...]
        }
    }

    /// The innermost table above a place that has a header or braces.
    func container(for path: [String]) -> TOMLContainer {
        for count in (1..<max(path.count, 1)).reversed() {
            let place = Array(path[..<count])
            let isInArray = (1...count).contains { value(at: Array(place[..<$0]))?.array != nil }
            if let node = node(at: place), case .inlineTable(let pairs) = node.content {
                return TOMLContainer(kind: .inlineTable(node, pairs), place: place, isInArray: isInArray)
            }
            for (index, statement) in statements.enumerated() where tree.places[index] == place {
                guard case .header = statement else { continue }
                return TOMLContainer(kind: .header(index), place: place, isInArray: isInArray)
            }
        }
        return TOMLContainer(kind: .root, place: [], isInArray: false)
    }

    /// The last statement of a table, its header if it has nothing else; nil for an empty root.
    func lastStatement(in container: TOMLContainer) -> TextRange? {
        switch container.kind {
        case .root: return body(of: container).last?.range
        case .header(let index): return body(of: container).last?.range ?? statements[index].range
        case .inlineTable: return nil
        }
    }

    /// The last statement of a table that begins with the same dotted key.
    func lastStatement(in container: TOMLContainer, sharing names: ArraySlice<String>) -> TextRange? {
        guard names.count > 1 else { return nil }
        return body(of: container).last { $0.names.count > 1 && $0.names.first == names.first }?.range
    }

    private func body(of container: TOMLContainer) -> [TOMLPair] {
        let start: Int
        switch container.kind {
        case .root: start = 0
        case .header(let index): start = index + 1
        case .inlineTable: return []
        }
        var pairs: [TOMLPair] = []
        for statement in statements[start...] {
            guard case .pair(let pair) = statement else { break }
            pairs.append(pair)
        }
        return pairs
    }

    // MARK: Lines

    /// What ends the lines of this text.
    var newline: String {
        guard let first = text.firstIndex(of: 0x0A), first > 0, text[first - 1] == 0x0D else { return "\n" }
        return "\r\n"
    }

    func lineStart(at offset: Int) -> Int {
        (text[..<offset].lastIndex(of: 0x0A) ?? -1) + 1
    }

    /// Behind the line end that follows `offset`, or the end of the text.
    func lineEnd(after offset: Int) -> Int {
        text[offset...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count
    }

    func indentation(at offset: Int) -> String {
        let start = lineStart(at: offset)
        return String(decoding: text[start..<offset].prefix { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
    }

    func isBlank(_ range: TextRange) -> Bool {
        text[range].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }

    // MARK: Taking away and adding

    /// Removes the line of a statement; comments on it and in its value stay, each on a line of its own.
    func removal(of statement: TOMLStatement) -> Replacement {
        let range = lineStart(at: statement.range.lowerBound)..<lineEnd(after: statement.range.upperBound)
        let indentation = indentation(at: statement.range.lowerBound)
        let kept = comments.filter { range.contains($0.lowerBound) }.map { comment in
            indentation + String(decoding: text[comment], as: UTF8.self) + newline
        }
        // A text without a final line end does not get one.
        if range.upperBound == text.count, text.last != 0x0A, let last = kept.last {
            return (range, kept.dropLast().joined() + last.dropLast(newline.count))
        }
        return (blankLineBefore(range, of: statement, isGone: kept.isEmpty), kept.joined())
    }

    /// Takes the blank line before a header along.
    private func blankLineBefore(_ range: TextRange, of statement: TOMLStatement, isGone: Bool) -> TextRange {
        guard case .header = statement, isGone, range.lowerBound > 0 else { return range }
        let before = lineStart(at: range.lowerBound - 1)..<range.lowerBound
        return isBlank(before) ? before.lowerBound..<range.upperBound : range
    }

    /// Removes one of several siblings with a comma; comments around it stay.
    func removal(of member: TOMLMember) -> [Replacement] {
        let own = member.siblings[member.index]
        guard let comma = comma(after: own.upperBound) else {
            guard member.index > 0 else { return [(own, "")] }
            let gap = member.siblings[member.index - 1].upperBound..<own.lowerBound
            guard hasComment(in: gap) else { return [(gap.lowerBound..<own.upperBound, "")] }
            return [(own.lowerBound..<spacesEnd(at: own.upperBound), "")]
        }
        guard !hasComment(in: own.upperBound..<comma) else { return [(own, ""), (comma..<comma + 1, "")] }
        let line = lineStart(at: own.lowerBound)..<lineEnd(after: comma)
        if isBlank(line.lowerBound..<own.lowerBound), isBlank(comma + 1..<line.upperBound) { return [(line, "")] }
        return [(own.lowerBound..<spacesEnd(at: comma + 1), "")]
    }

    /// Adds a sibling before the one with this index, or behind the last.
    func insertion(
        of new: String, at index: Int, among siblings: [TextRange], in list: TextRange, isTable: Bool = false
    ) -> [Replacement] {
        guard index > 0 else {
            let inside = list.lowerBound + 1
            guard let first = siblings.first else {
                return isTable ? [(list, "{ \(new) }")] : [(inside..<inside, new)]
            }
            let start = lineStart(at: first.lowerBound)
            let isAlone = start > list.lowerBound && isBlank(start..<first.lowerBound)
            let gap = isAlone ? newline + indentation(at: first.lowerBound) : " "
            return [(first.lowerBound..<first.lowerBound, new + "," + gap)]
        }
        let previous = siblings[index - 1]
        let comma = comma(after: previous.upperBound)
        let start = lineStart(at: previous.lowerBound)
        let line = lineEnd(after: comma ?? previous.upperBound)
        let next = index < siblings.count ? siblings[index].lowerBound : list.upperBound - 1
        guard start > list.lowerBound, isBlank(start..<previous.lowerBound), line <= next else {
            return [(previous.upperBound..<previous.upperBound, ", " + new)]
        }
        let added = indentation(at: previous.lowerBound) + new + (comma == nil ? "" : ",") + newline
        let separator = (previous.upperBound..<previous.upperBound, comma == nil ? "," : "")
        return [separator, (line..<line, added)]
    }

    private func spacesEnd(at offset: Int) -> Int {
        text[offset...].firstIndex { $0 != 0x20 } ?? text.count
    }

    private func hasComment(in range: TextRange) -> Bool {
        comments.contains { range.contains($0.lowerBound) }
    }

    /// The comma that follows a value, white space and comments between them.
    private func comma(after offset: Int) -> Int? {
        var at = offset
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: ","): return at
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            case UInt8(ascii: "#"): at = lineEnd(after: at)
            default: return nil
            }
        }
        return nil
    }
}
