import MeerkatJSON

extension Validator {
    /// References, combinations and conditions: schemas that apply to the same value.
    mutating func evaluateInPlace(
        _ node: SchemaNode, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        if let reference = node.keywords.inPlace.reference {
            isValid = try evaluate(schema.references[reference].target, value, &seen)
            if !isValid, !isCollecting { return false }
        }
        if let reference = node.keywords.inPlace.dynamicReference {
            isValid = try evaluate(dynamicTarget(of: reference), value, &seen) && isValid
            if !isValid, !isCollecting { return false }
        }
        for branch in node.keywords.inPlace.allOf {
            isValid = try evaluate(branch, value, &seen) && isValid
            if !isValid, !isCollecting { return false }
        }
        if !node.keywords.inPlace.anyOf.isEmpty {
            isValid = try evaluateAlternatives(node, "anyOf", node.keywords.inPlace.anyOf, value, &seen) && isValid
            if !isValid, !isCollecting { return false }
        }
        if !node.keywords.inPlace.oneOf.isEmpty {
            isValid = try evaluateAlternatives(node, "oneOf", node.keywords.inPlace.oneOf, value, &seen) && isValid
            if !isValid, !isCollecting { return false }
        }
        if let negated = node.keywords.inPlace.negated, try decides(negated, value) {
            isValid = try report(node, "not", "\(Self.description(of: value)) is what `not` excludes")
            if !isCollecting { return false }
        }
        if node.keywords.inPlace.condition != nil {
            isValid = try evaluateCondition(node, value, &seen) && isValid
        }
        return isValid
    }

    /// The node with the wanted anchor in the outermost resource that has one.
    private func dynamicTarget(of reference: Int) -> Int {
        if let name = schema.references[reference].dynamicAnchor {
            for scope in scopes {
                if let target = schema.resources[scope].dynamicAnchors[name] { return target }
            }
        }
        return schema.references[reference].target
    }

    private mutating func evaluateCondition(
        _ node: SchemaNode, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        guard let condition = node.keywords.inPlace.condition else { return true }
        var own = Evaluated(isTracked: seen.isTracked)
        let holds = try decides(condition, value, &own)
        if holds { seen.formUnion(own) }
        guard let branch = holds ? node.keywords.inPlace.consequence : node.keywords.inPlace.alternative else {
            return true
        }
        return try evaluate(branch, value, &seen)
    }

    /// Applies a schema whose violations are of no interest, only its verdict.
    mutating func decides(_ index: Int, _ value: JSONValue) throws(Stop) -> Bool {
        var own = Evaluated(isTracked: false)
        return try decides(index, value, &own)
    }

    private mutating func decides(
        _ index: Int, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        let wasCollecting = isCollecting
        isCollecting = false
        let verdict = try evaluate(index, value, &seen)
        isCollecting = wasCollecting
        return verdict
    }

    // MARK: Alternatives

    /// `anyOf` and `oneOf`.
    private mutating func evaluateAlternatives(
        _ node: SchemaNode, _ keyword: String, _ branches: [Int], _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        let isExclusive = keyword == "oneOf"
        let start = findings.count
        var failures: [Range<Int>] = []
        var firstMatch: Int?
        for (number, branch) in branches.enumerated() {
            var own = Evaluated(isTracked: seen.isTracked)
            let before = findings.count
            openAlternatives += 1
            let matches = try evaluate(branch, value, &own)
            openAlternatives -= 1
            guard matches else {
                if isCollecting { failures.append(before..<findings.count) }
                continue
            }
            findings.removeLast(findings.count - start)
            failures.removeAll()
            if isExclusive, let firstMatch {
                return try report(
                    node, keyword,
                    "matches alternatives \(firstMatch + 1) and \(number + 1), but must match exactly one")
            }
            firstMatch = number
            seen.formUnion(own)
            if !isExclusive, !seen.isTracked { return true }
        }
        if firstMatch != nil {
            findings.removeLast(findings.count - start)
            return true
        }
        guard isCollecting else { return false }
        return try reportClosest(node, keyword, branches, value, failures, from: start)
    }

    /// Replaces what the alternatives have found by what is worth telling.
    private mutating func reportClosest(
        _ node: SchemaNode, _ keyword: String, _ branches: [Int], _ value: JSONValue, _ failures: [Range<Int>],
        from start: Int
    ) throws(Stop) -> Bool {
        let found = Array(findings[start...])
        let ranges = failures.map { $0.lowerBound - start..<$0.upperBound - start }
        findings.removeLast(found.count)
        let plausible = ranges.indices.filter { number in
            !ranges[number].isEmpty
                && !found[ranges[number]].contains { $0.isTypeMismatch && $0.depth == path.count }
        }
        if plausible.isEmpty, let types = commonTypes(of: branches) {
            return try report(
                node, keyword, "expected \(types.phrase), found \(Self.description(of: value))", isTypeMismatch: true)
        }
        if let only = branches.count == 1 ? 0 : plausible.first, plausible.count <= 1 {
            findings += found[ranges[only]]
            return false
        }
        let closest = (plausible.isEmpty ? Array(ranges.indices) : plausible)
            .filter { !ranges[$0].isEmpty }
            .max { Self.isFarther(found[ranges[$0]], than: found[ranges[$1]]) }
        var message = "matches none of \(branches.count) alternatives"
        if let closest, let reason = found[ranges[closest]].first {
            message += "; closest is alternative \(closest + 1): \(reason.violation)"
        }
        return try report(node, keyword, message)
    }

    /// The types of alternatives that all name some.
    private func commonTypes(of branches: [Int]) -> TypeSet? {
        var types: TypeSet = []
        for branch in branches {
            guard let named = namedTypes(of: branch) else { return nil }
            types.formUnion(named)
        }
        return types
    }

    /// The types that a schema names, or the schema that it refers to.
    private func namedTypes(of branch: Int) -> TypeSet? {
        var node = schema.nodes[branch]
        while node.keywords.types == nil, let reference = node.keywords.inPlace.reference {
            node = schema.nodes[schema.references[reference].target]
        }
        return node.keywords.types
    }

    /// An alternative is closer when its first violation lies deeper, then when it has fewer.
    private static func isFarther(_ left: ArraySlice<Finding>, than right: ArraySlice<Finding>) -> Bool {
        let (leftDepth, rightDepth) = (left.first?.depth ?? 0, right.first?.depth ?? 0)
        return leftDepth == rightDepth ? left.count > right.count : leftDepth < rightDepth
    }
}
