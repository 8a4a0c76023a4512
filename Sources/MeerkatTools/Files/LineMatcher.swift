internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSONSchema

/// Finds the lines that match a regular expression, in time that grows with the line and not beyond.
///
/// The expressions are those of ``Pattern``: ECMA-262 without look-around and back-references.
struct LineMatcher: ~Copyable {
    private static let maxPatternLength = 1000
    /// Steps that one line may take: about a second.
    private static let maxLineSteps = 50_000_000
    /// Steps that all lines together may take: some ten seconds.
    static let maxSteps = 500_000_000

    /// In every match; empty when nothing is known to be.
    private let required: [UInt8]
    private let isLiteral: Bool
    private var matcher: PatternMatcher
    private var stepsLeft: Int

    /// - Parameters:
    ///   - pattern: an expression.
    ///   - isCaseSensitive: whether upper and lower case differ.
    ///   - maxSteps: how many steps all lines together may take.
    /// - Throws: ``ToolError/invalidArguments(_:)``.
    init(pattern: String, isCaseSensitive: Bool, maxSteps: Int = Self.maxSteps) throws(ToolError) {
        guard pattern.utf8.count <= Self.maxPatternLength else {
            throw .invalidArguments("the pattern is longer than \(Self.maxPatternLength) bytes")
        }
        let compiled: Pattern
        do throws(PatternError) {
            compiled = try Pattern(pattern, ignoresCase: !isCaseSensitive)
        } catch {
            throw .invalidArguments("the pattern \"\(pattern.quoted)\" is not understood: \(error)")
        }
        required = Array(compiled.requiredText.utf8)
        isLiteral = compiled.isLiteral
        matcher = PatternMatcher(compiled)
        stepsLeft = maxSteps
    }

    /// No line is looked at any more.
    var isExhausted: Bool { stepsLeft <= 0 }

    /// Whether it is worth to look at the lines of a text one by one.
    func canMatch(in text: UnsafeRawBufferPointer) -> Bool {
        required.isEmpty || required.withUnsafeBytes { text.position(of: $0) != nil }
    }

    /// Whether some part of a line matches; nil when finding out takes too long or nobody waits any more.
    mutating func matches(_ line: UnsafeRawBufferPointer, isInterrupted: () -> Bool) -> Bool? {
        guard canMatch(in: line) else { return false }
        if isLiteral { return true }
        let found = matcher.findsMatch(
            in: String(decoding: line, as: UTF8.self), limit: min(Self.maxLineSteps, stepsLeft),
            isInterrupted: isInterrupted)
        stepsLeft -= matcher.steps
        return found
    }
}
