/// Runs a pattern over a text, all states at once, so that the work is bounded by text times pattern.
package struct PatternMatcher: ~Copyable {
    private let pattern: Pattern
    /// The states that wait for the current code point, and those reached by consuming it.
    private var states: [Int32] = []
    private var nextStates: [Int32] = []
    private var stack: [Int32] = []
    /// The position, counted from 1, at which an instruction was last reached.
    private var reached: [Int]
    /// The last position that was used; positions go on from text to text, so that `reached` need not be cleared.
    private var last = 0
    /// Instructions looked at for the last text.
    package private(set) var steps = 0

    package init(_ pattern: Pattern) {
        self.pattern = pattern
        reached = [Int](repeating: 0, count: pattern.instructions.count)
    }

    /// Steps between two looks at whether anyone still waits for the answer.
    package static let stepsAtOnce = 1 << 16

    /// Looks for a part of `text` that matches.
    ///
    /// - Parameters:
    ///   - text: looked through from its beginning.
    ///   - limit: most steps.
    ///   - isInterrupted: asked every ``stepsAtOnce`` steps.
    /// - Returns: whether there is one; nil when finding out takes more than `limit` steps or is interrupted.
    package mutating func findsMatch(
        in text: String, limit: Int, isInterrupted: () -> Bool = { false }
    ) -> Bool? {
        var nextLook = Self.stepsAtOnce
        var previous: UInt32?
        let start = last + 1
        var position = start
        defer { last = position + 1 }
        steps = 0
        stack.removeAll(keepingCapacity: true)
        nextStates.removeAll(keepingCapacity: true)
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()?.value
        while true {
            // A new attempt starts beside those that `advance` brought here.
            if !pattern.isAnchored || position == start {
                if enter(0, at: position, previous: previous, next: next) { return true }
            }
            guard steps <= limit else { return nil }
            if steps >= nextLook {
                if isInterrupted() { return nil }
                nextLook = steps + Self.stepsAtOnce
            }
            guard let current = next else { return false }
            swap(&states, &nextStates)
            nextStates.removeAll(keepingCapacity: true)
            next = scalars.next()?.value
            if advance(over: current, to: position + 1, next: next) { return true }
            if pattern.isAnchored, nextStates.isEmpty { return false }
            previous = current
            position += 1
        }
    }

    /// Moves every state that accepts `scalar` on; true when one of them reaches the end of the pattern.
    private mutating func advance(over scalar: UInt32, to position: Int, next: UInt32?) -> Bool {
        steps += states.count
        for state in states {
            let accepts =
                switch pattern.instructions[Int(state)] {
                case .scalar(let expected): expected == scalar
                case .set(let index): pattern.sets[index].contains(scalar)
                case .assertion, .jump, .split, .match: false
                }
            if accepts, enter(state + 1, at: position, previous: scalar, next: next) { return true }
        }
        return false
    }

    /// Follows everything that can be reached from `start` without consuming; true when that includes the match.
    private mutating func enter(_ start: Int32, at position: Int, previous: UInt32?, next: UInt32?) -> Bool {
        stack.append(start)
        while let state = stack.popLast() {
            guard reached[Int(state)] != position else { continue }
            reached[Int(state)] = position
            steps += 1
            switch pattern.instructions[Int(state)] {
            case .match: return true
            case .jump(let target): stack.append(Int32(target))
            case .split(let first, let second):
                stack.append(Int32(second))
                stack.append(Int32(first))
            case .assertion(let assertion):
                if Self.holds(assertion, previous: previous, next: next) { stack.append(state + 1) }
            case .scalar, .set: nextStates.append(state)
            }
        }
        return false
    }

    private static func holds(_ assertion: PatternNode.Assertion, previous: UInt32?, next: UInt32?) -> Bool {
        switch assertion {
        case .start: previous == nil
        case .end: next == nil
        case .wordBoundary: isWord(previous) != isWord(next)
        case .noWordBoundary: isWord(previous) == isWord(next)
        }
    }

    private static func isWord(_ scalar: UInt32?) -> Bool {
        guard let scalar else { return false }
        switch scalar {
        case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: return true
        default: return false
        }
    }
}
