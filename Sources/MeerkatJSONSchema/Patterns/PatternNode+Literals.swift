extension PatternNode {
    /// The longest text that every match holds, and whether a match is nothing else.
    var literals: (text: String, isAll: Bool) {
        var runs = [String.UnicodeScalarView()]
        let isAll = collect(into: &runs)
        let longest = runs.max { $0.count < $1.count }.map { String($0) } ?? ""
        return (longest, isAll && runs.count == 1)
    }

    /// Goes on with the last run, or begins a new one behind whatever is no plain text.
    private func collect(into runs: inout [String.UnicodeScalarView]) -> Bool {
        switch self {
        case .sequence(let nodes):
            return nodes.reduce(true) { isAll, node in node.collect(into: &runs) && isAll }
        case .scalar(let set):
            guard let scalar = set.onlyScalar else { break }
            runs[runs.count - 1].append(scalar)
            return true
        case .repetition(let body, let min, _) where min > 0:
            runs.append(String.UnicodeScalarView())
            _ = body.collect(into: &runs)
        case .assertion, .repetition, .alternatives: break
        }
        runs.append(String.UnicodeScalarView())
        return false
    }
}

extension ScalarSet {
    /// The member of a set with one.
    fileprivate var onlyScalar: Unicode.Scalar? {
        guard !isInverted, properties.isEmpty, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return Unicode.Scalar(ranges[0].lowerBound)
    }
}
