/// The syntax tree of a regular expression.
indirect enum PatternNode {
    /// One code point out of a set.
    case scalar(ScalarSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    /// `max` nil means without end.
    case repetition(PatternNode, min: Int, max: Int?)
    case assertion(Assertion)

    enum Assertion: UInt8 {
        case start, end, wordBoundary, noWordBoundary
    }
}
