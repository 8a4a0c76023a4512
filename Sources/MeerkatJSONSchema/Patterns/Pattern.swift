/// A regular expression as a program for a nondeterministic automaton.
package struct Pattern: Sendable {
    enum Instruction: Sendable {
        case scalar(UInt32)
        case set(Int)
        case assertion(PatternNode.Assertion)
        case jump(Int)
        case split(Int, Int)
        case match
    }

    /// Instructions that one expression may unfold to.
    static let maxInstructions = 100_000

    let source: String
    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []
    /// Whether a match can only begin at the start of the text.
    let isAnchored: Bool
    /// A text that every match holds; empty when none is known.
    package let requiredText: String
    /// Whether the matches are that text and nothing else.
    package let isLiteral: Bool
    /// Parts of the tree visited, which bounds the work for repetitions of nothing.
    private var visits = 0

    /// - Parameters:
    ///   - source: the expression.
    ///   - ignoresCase: whether letters stand for both cases of them; properties stay as they are.
    /// - Throws: ``PatternError``
    package init(_ source: String, ignoresCase: Bool = false) throws(PatternError) {
        self.source = source
        var tree = try PatternParser.parse(source)
        if ignoresCase { tree = tree.ignoringCase }
        isAnchored = Self.startsAnchored(tree)
        (requiredText, isLiteral) = tree.literals
        try append(tree)
        instructions.append(.match)
    }

    private static func startsAnchored(_ node: PatternNode) -> Bool {
        switch node {
        case .assertion(.start): true
        case .sequence(let nodes): nodes.first.map(startsAnchored) ?? false
        case .alternatives(let branches): branches.allSatisfy(startsAnchored)
        case .repetition(let body, let min, _): min > 0 && startsAnchored(body)
        case .assertion, .scalar: false
        }
    }

    private mutating func append(_ node: PatternNode) throws(PatternError) {
        visits += 1
        guard visits <= Self.maxInstructions, instructions.count <= Self.maxInstructions else {
            throw .tooLarge(limit: Self.maxInstructions)
        }
        switch node {
        case .scalar(let set): append(set)
        case .assertion(let assertion): instructions.append(.assertion(assertion))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .alternatives(let branches): try append(alternatives: branches)
        case .repetition(let body, let min, let max): try append(body, min: min, max: max)
        }
    }

    private mutating func append(_ set: ScalarSet) {
        if !set.isInverted, set.properties.isEmpty, set.ranges.count == 1, set.ranges[0].count == 1 {
            instructions.append(.scalar(set.ranges[0].lowerBound))
            return
        }
        var set = set
        set.prepare()
        instructions.append(.set(sets.count))
        sets.append(set)
    }

    private mutating func append(alternatives branches: [PatternNode]) throws(PatternError) {
        var exits: [Int] = []
        for branch in branches.dropLast() {
            let split = instructions.count
            instructions.append(.split(split + 1, 0))
            try append(branch)
            exits.append(instructions.count)
            instructions.append(.jump(0))
            instructions[split] = .split(split + 1, instructions.count)
        }
        if let last = branches.last { try append(last) }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func append(_ body: PatternNode, min: Int, max: Int?) throws(PatternError) {
        for _ in 0..<min { try append(body) }
        guard let max else {
            let split = instructions.count
            instructions.append(.split(split + 1, 0))
            try append(body)
            instructions.append(.jump(split))
            instructions[split] = .split(split + 1, instructions.count)
            return
        }
        var splits: [Int] = []
        for _ in min..<max {
            splits.append(instructions.count)
            instructions.append(.split(instructions.count + 1, 0))
            try append(body)
        }
        for split in splits { instructions[split] = .split(split + 1, instructions.count) }
    }
}
