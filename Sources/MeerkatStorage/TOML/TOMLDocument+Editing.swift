internal import MeerkatCore
internal import MeerkatJSON

/// Why an edit cannot be made.
enum TOMLEditError: Error {
    /// The value has no TOML form.
    case unstorable(TOMLText.Problem)
    /// The edited text does not say what it should.
    case failed
}

/// Edits change the bytes of the key they are about; all other bytes stay, comments among them.
extension TOMLDocument {
    /// Sets a key, making the tables above it when there are none.
    mutating func set(_ path: [String], to value: JSONValue) throws(TOMLEditError) {
        if let node = node(at: path) {
            try change(node, at: path, to: value)
        } else if case .array(let elements) = value, !elements.isEmpty, elements.allAreTables, hasElements(path) {
            try changeTables(at: path, to: elements)
        } else if case .object(let object) = value, self.value(at: path)?.object != nil {
            try changeTable(at: path, to: object)
        } else {
            try remove(path)
            try insert(value, at: path)
        }
    }

    /// Removes a key or a table with everything in it; the comments stay.
    mutating func remove(_ path: [String]) throws(TOMLEditError) {
        let doomed = zip(statements, tree.places).filter { $1.starts(with: path) }.map(\.0)
        if !doomed.isEmpty { try splice(doomed.map(removal)) }
        while let member = member(atOrUnder: path) { try splice(removal(of: member)) }
    }

    // MARK: Existing values

    private mutating func change(_ node: TOMLNode, at path: [String], to value: JSONValue) throws(TOMLEditError) {
        switch (node.content, value) {
        case (.scalar(let before), _) where before == value: break
        case (.array(let before), .array(let after)) where !before.isEmpty: try changeArray(at: path, to: after)
        case (.inlineTable, .object(let after)): try changeTable(at: path, to: after)
        default:
            let isLine = zip(statements, tree.places).contains {
                $1 == path && $0.range.upperBound == node.range.upperBound
            }
            try splice([(node.range, try isLine ? lineText(value) : inlineText(value))])
        }
    }

    private mutating func changeTable(at path: [String], to object: JSONObject) throws(TOMLEditError) {
        let before = value(at: path)?.object ?? JSONObject()
        for name in before.names where object[name] == nil { try remove(path + [name]) }
        for member in object.members where before[member.name] != member.value {
            try set(path + [member.name], to: member.value)
        }
        // The last key of a table that has no header or braces takes the table with it.
        if !contains(path) { try insert(.object(JSONObject()), at: path) }
    }

    private mutating func changeArray(at path: [String], to elements: [JSONValue]) throws(TOMLEditError) {
        for step in Self.steps(from: value(at: path)?.array ?? [], to: elements) {
            switch step {
            case .change(let index): try set(path + [String(index)], to: elements[index])
            case .remove(let index):
                guard let member = member(atOrUnder: path + [String(index)]) else { throw .failed }
                try splice(removal(of: member))
            case .insert(let index):
                guard let node = node(at: path), case .array(let siblings) = node.content else { throw .failed }
                let text = try inlineText(elements[index])
                try splice(insertion(of: text, at: index, among: siblings.map { $0.range }, in: node.range))
            }
        }
    }

    private mutating func changeTables(at path: [String], to elements: [JSONValue]) throws(TOMLEditError) {
        for step in Self.steps(from: value(at: path)?.array ?? [], to: elements) {
            switch step {
            case .change(let index):
                try changeTable(at: path + [String(index)], to: elements[index].object ?? JSONObject())
            case .remove(let index): try remove(path + [String(index)])
            case .insert(0):
                guard let first = tree.places.firstIndex(of: path + ["0"]) else { throw .failed }
                let offset = lineStart(at: statements[first].range.lowerBound)
                try splice([(offset..<offset, try tableText(elements[0], at: path) + newline)])
            case .insert(let index):
                let previous = tree.places.lastIndex { $0.starts(with: path + [String(index - 1)]) }
                let offset = previous.map { lineEnd(after: statements[$0].range.upperBound) } ?? text.count
                try splice([(offset..<offset, paragraph(try tableText(elements[index], at: path), at: offset))])
            }
        }
    }

    /// A change of one element of a list, the steps before it having been made.
    private enum Step {
        case change(Int)
        case remove(Int)
        case insert(Int)
    }

    /// What makes one list of another; elements that stay are not touched.
    private static func steps(from old: [JSONValue], to new: [JSONValue]) -> [Step] {
        let difference = new.difference(from: old)
        if difference.removals.isEmpty || difference.insertions.isEmpty {
            return difference.map { change in
                switch change {
                case .remove(let index, _, _): .remove(index)
                case .insert(let index, _, _): .insert(index)
                }
            }
        }
        let start = zip(old, new).prefix { $0 == $1 }.count
        let tail = zip(old.dropFirst(start).reversed(), new.dropFirst(start).reversed()).prefix { $0 == $1 }.count
        let (oldEnd, newEnd) = (old.count - tail, new.count - tail)
        let common = min(oldEnd, newEnd)
        return (start..<common).filter { old[$0] != new[$0] }.map { .change($0) }
            + (common..<oldEnd).reversed().map { .remove($0) } + (common..<newEnd).map { .insert($0) }
    }

    // MARK: New values

    private mutating func insert(_ value: JSONValue, at path: [String]) throws(TOMLEditError) {
        let container = container(for: path)
        let names = path[container.place.count...]
        let isInArray = container.isInArray
        if case .inlineTable(let node, let pairs) = container.kind {
            let text = TOMLText.key(names) + " = " + (try inlineText(value))
            return try splice(
                insertion(of: text, at: pairs.count, among: pairs.map { $0.range }, in: node.range, isTable: true))
        }
        if !isInArray, case .array(let elements) = value, !elements.isEmpty, elements.allAreTables {
            var blocks = ""
            for element in elements {
                blocks += (blocks.isEmpty ? "" : newline) + (try tableText(element, at: path))
            }
            return try splice([(text.count..<text.count, paragraph(blocks, at: text.count))])
        }
        let sibling = lastStatement(in: container, sharing: names)
        if names.count > 1, sibling == nil, !isInArray {
            let block =
                "[" + TOMLText.key(path.dropLast()) + "]" + newline + TOMLText.key(path.suffix(1)) + " = "
                + (try lineText(value)) + newline
            return try splice([(text.count..<text.count, paragraph(block, at: text.count))])
        }
        let line = TOMLText.key(names) + " = " + (try lineText(value)) + newline
        guard let previous = sibling ?? lastStatement(in: container) else {
            return try splice([lineBeforeFirstTable(line)])
        }
        let offset = lineEnd(after: previous.upperBound)
        let gap = offset > 0 && text[offset - 1] != 0x0A ? newline : ""
        try splice([(offset..<offset, gap + indentation(at: previous.lowerBound) + line)])
    }

    /// Places a line of the root table in front of the first header and the comment that belongs to it.
    private func lineBeforeFirstTable(_ line: String) -> Replacement {
        var offset = statements.first.map { lineStart(at: $0.range.lowerBound) } ?? text.count
        while offset > 0, let comment = comments.last(where: { $0.upperBound < offset }),
            lineEnd(after: comment.upperBound) == offset,
            isBlank(lineStart(at: comment.lowerBound)..<comment.lowerBound)
        {
            guard !statements.isEmpty else { break }
            offset = lineStart(at: comment.lowerBound)
        }
        if offset == 0, text.starts(with: TOMLParser.byteOrderMark) { offset = TOMLParser.byteOrderMark.count }
        let gap = statements.isEmpty && offset > 0 && text[offset - 1] != 0x0A ? newline : ""
        return (offset..<offset, gap + line + (statements.isEmpty ? "" : newline))
    }

    private func tableText(_ value: JSONValue, at path: [String]) throws(TOMLEditError) -> String {
        var text = "[[" + TOMLText.key(path) + "]]" + newline
        for member in (value.object ?? JSONObject()).members {
            text += TOMLText.key([member.name]) + " = " + (try lineText(member.value)) + newline
        }
        return text
    }

    /// A block of lines with a blank line before it, and after it unless the text ends there.
    private func paragraph(_ block: String, at offset: Int) -> String {
        guard offset > 0 else { return block }
        let isBelowBlankLine = offset > 1 && isBlank(lineStart(at: offset - 1)..<offset)
        let before = isBelowBlankLine ? "" : text[offset - 1] == 0x0A ? newline : newline + newline
        let isSeparated = offset == text.count || text[offset] == 0x0A || text[offset] == 0x0D
        return before + block + (isSeparated ? "" : newline)
    }

    private func lineText(_ value: JSONValue) throws(TOMLEditError) -> String {
        do throws(TOMLText.Problem) {
            return try TOMLText.lineValue(value, lineEnd: newline)
        } catch {
            throw .unstorable(error)
        }
    }

    private func inlineText(_ value: JSONValue) throws(TOMLEditError) -> String {
        do throws(TOMLText.Problem) {
            return try TOMLText.inline(value)
        } catch {
            throw .unstorable(error)
        }
    }

    /// Makes replacements that do not overlap and reads the result.
    private mutating func splice(_ replacements: [Replacement]) throws(TOMLEditError) {
        var edited = text
        for (range, new) in (replacements + rescuedComments(from: replacements)).sorted(by: {
            $0.range.lowerBound > $1.range.lowerBound
        }) {
            edited.replaceSubrange(range, with: new.utf8)
        }
        do throws(TOMLError) {
            self = try TOMLDocument(edited)
        } catch {
            throw .failed
        }
    }
}

extension TOMLDocument {
    /// Puts comments that stand in a replaced value above its line.
    private func rescuedComments(from replacements: [Replacement]) -> [Replacement] {
        var rescued: [Replacement] = []
        for range in comments {
            let comment = String(decoding: text[range], as: UTF8.self)
            guard replacements.contains(where: { $0.range.contains(range.lowerBound) && !$0.text.contains(comment) }),
                let statement = statements.last(where: { $0.range.lowerBound < range.lowerBound })
            else { continue }
            let start = statement.range.lowerBound
            let line = comment + newline + indentation(at: start)
            if let last = rescued.last, last.range.lowerBound == start {
                rescued[rescued.count - 1].text += line
            } else {
                rescued.append((start..<start, line))
            }
        }
        return rescued
    }
}

extension [JSONValue] {
    fileprivate var allAreTables: Bool { allSatisfy { $0.object != nil } }
}
