extension PatternNode {
    /// The same pattern for either case of its letters.
    var ignoringCase: PatternNode {
        switch self {
        case .scalar(let set): .scalar(set.ignoringCase)
        case .sequence(let nodes): .sequence(nodes.map(\.ignoringCase))
        case .alternatives(let branches): .alternatives(branches.map(\.ignoringCase))
        case .repetition(let body, let min, let max): .repetition(body.ignoringCase, min: min, max: max)
        case .assertion: self
        }
    }
}

extension ScalarSet {
    /// The set with the other cases of the letters in its ranges.
    fileprivate var ignoringCase: ScalarSet {
        var set = self
        for range in ranges {
            var at = Self.firstCase(from: range.lowerBound)
            while at < Self.cases.count, range.contains(Self.cases[at].scalar) {
                set.insert(Self.cases[at].other...Self.cases[at].other)
                at += 1
            }
        }
        return set
    }

    private static func firstCase(from scalar: UInt32) -> Int {
        var (low, high) = (0, cases.count)
        while low < high {
            let middle = (low + high) / 2
            if cases[middle].scalar < scalar { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Each letter with each of its other cases, sorted.
    private static let cases: [(scalar: UInt32, other: UInt32)] = {
        var classes: [UInt32: [UInt32]] = [:]
        // No scalar beyond has a case.
        for value: UInt32 in 0x41...0x1E943 {
            guard let scalar = Unicode.Scalar(value), scalar.properties.changesWhenCaseMapped else { continue }
            classes[folded(scalar), default: []].append(value)
        }
        let pairs = classes.values.flatMap { members in
            members.flatMap { scalar in members.filter { $0 != scalar }.map { (scalar: scalar, other: $0) } }
        }
        return pairs.sorted { ($0.scalar, $0.other) < ($1.scalar, $1.other) }
    }()

    private static func folded(_ scalar: Unicode.Scalar) -> UInt32 {
        let upper = single(scalar.properties.uppercaseMapping) ?? scalar
        return (single(upper.properties.lowercaseMapping) ?? upper).value
    }

    private static func single(_ mapping: String) -> Unicode.Scalar? {
        mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first : nil
    }
}
