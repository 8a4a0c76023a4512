internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSONSchema

/// Finds the lines that match a regular expression, in time that grows with the line and not beyond.
///
/// The expressions are those of ``Pattern``: ECMA-262 without look-around and back-references.
struct LineMatcher: ~Copyable {
    private static let maxPatternLength = 1000
    /// Steps that one line may take: about a second.
    private static let maxSteps = 50_000_000

    /// In every match; empty when nothing is known to be.
    private let required: [UInt8]
    private let isLiteral: Bool
    private var matcher: PatternMatcher

    init(pattern: String, isCaseSensitive: Bool) throws(ToolError) {
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
    }

    /// Whether it is worth to look at the lines of a text one by one.
    func canMatch(in text: UnsafeRawBufferPointer) -> Bool {
        required.isEmpty || required.withUnsafeBytes { text.position(of: $0) != nil }
    }

    /// Whether some part of a line matches; nil when finding out takes too long.
    mutating func matches(_ line: UnsafeRawBufferPointer) -> Bool? {
        guard canMatch(in: line) else { return false }
        return isLiteral ? true : matcher.findsMatch(in: String(decoding: line, as: UTF8.self), limit: Self.maxSteps)
    }
}
