import MeerkatJSON

extension Validator {
    mutating func evaluateArray(
        _ node: SchemaNode, _ elements: [JSONValue], _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = try evaluateSize(node, elements)
        if !isValid, !isCollecting { return false }
        isValid = try evaluateItems(node, elements, &seen) && isValid
        if !isValid, !isCollecting { return false }
        if node.keywords.arrays.contained != nil {
            isValid = try evaluateContains(node, elements, &seen) && isValid
        }
        return isValid
    }

    private mutating func evaluateSize(_ node: SchemaNode, _ elements: [JSONValue]) throws(Stop) -> Bool {
        var isValid = true
        if let least = node.keywords.arrays.minItems, elements.count < least {
            isValid = try report(
                node, "minItems", "expected at least \(Self.counted(least, "item")), found \(elements.count)")
        }
        if let most = node.keywords.arrays.maxItems, elements.count > most {
            isValid = try report(
                node, "maxItems", "expected at most \(Self.counted(most, "item")), found \(elements.count)")
        }
        if node.keywords.arrays.hasUniqueItems, let (first, second) = try duplicates(in: elements) {
            isValid = try report(
                node, "uniqueItems", "expected items that differ, but items \(first) and \(second) are equal")
        }
        return isValid
    }

    /// The positions of two equal items, or nil.
    private mutating func duplicates(in elements: [JSONValue]) throws(Stop) -> (Int, Int)? {
        guard elements.count > 1 else { return nil }
        try charge(JSONValue.array(elements).weight())
        var positions: [ExactValue: Int] = [:]
        for (position, element) in elements.enumerated() {
            if let earlier = positions.updateValue(position, forKey: ExactValue(element)) { return (earlier, position) }
        }
        return nil
    }

    private mutating func evaluateItems(
        _ node: SchemaNode, _ elements: [JSONValue], _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        let prefix = node.keywords.arrays.prefix
        var isValid = true
        for position in 0..<min(prefix.count, elements.count) {
            seen.insert(position)
            if try !evaluateChild(prefix[position], elements[position], at: String(position)) {
                guard isCollecting else { return false }
                isValid = false
            }
        }
        guard let rest = node.keywords.arrays.rest else { return isValid }
        if seen.isTracked { seen.insertAll() }
        guard elements.count > prefix.count else { return isValid }
        if schema.nodes[rest].verdict == false {
            return try report(
                schema.nodes[rest], nil,
                "expected at most \(Self.counted(prefix.count, "item")), found \(elements.count)")
        }
        for position in prefix.count..<elements.count {
            if try !evaluateChild(rest, elements[position], at: String(position)) {
                guard isCollecting else { return false }
                isValid = false
            }
        }
        return isValid
    }

    private mutating func evaluateContains(
        _ node: SchemaNode, _ elements: [JSONValue], _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        guard let contained = node.keywords.arrays.contained else { return true }
        let least = node.keywords.arrays.minContains ?? 1
        let most = node.keywords.arrays.maxContains
        var count = 0
        for (position, element) in elements.enumerated() {
            guard try decides(contained, element) else { continue }
            count += 1
            seen.insert(position)
            if most == nil, count >= least, !seen.isTracked { return true }
        }
        if count < least {
            return try report(
                node, node.keywords.arrays.minContains == nil ? "contains" : "minContains",
                "expected at least \(Self.counted(least, "item")) that \(least == 1 ? "matches" : "match") `contains`, "
                    + "found \(count)")
        }
        if let most, count > most {
            return try report(
                node, "maxContains",
                "expected at most \(Self.counted(most, "item")) that \(most == 1 ? "matches" : "match") `contains`, "
                    + "found \(count)")
        }
        return true
    }

    // MARK: Unevaluated

    /// `unevaluatedItems` and `unevaluatedProperties`, after everything else.
    mutating func evaluateUnevaluated(
        _ node: SchemaNode, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        switch value {
        case .array(let elements):
            guard let unevaluated = node.keywords.arrays.unevaluated else { return true }
            return try evaluateRemaining(items: elements, unevaluated, &seen)
        case .object(let object):
            guard let unevaluated = node.keywords.objects.unevaluated else { return true }
            return try evaluateRemaining(members: object, unevaluated, &seen)
        case .null, .bool, .number, .string: return true
        }
    }

    private mutating func evaluateRemaining(
        items elements: [JSONValue], _ unevaluated: Int, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        for (position, element) in elements.enumerated() where !seen.contains(position) {
            if try !evaluateChild(unevaluated, element, at: String(position)) {
                guard isCollecting else { return false }
                isValid = false
            }
        }
        seen.insertAll()
        return isValid
    }

    private mutating func evaluateRemaining(
        members object: JSONObject, _ unevaluated: Int, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        for (position, member) in object.members.enumerated() where !seen.contains(position) {
            if try !evaluateProperty(member, unevaluated) {
                guard isCollecting else { return false }
                isValid = false
            }
        }
        seen.insertAll()
        return isValid
    }
}
