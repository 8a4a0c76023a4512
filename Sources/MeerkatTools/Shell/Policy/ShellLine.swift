internal import MeerkatCore

/// A command line of a POSIX shell as the simple commands it runs.
///
/// Only what can be told from the text alone is understood: words, quotes, assignments and the separators of commands.
/// Everything whose meaning the shell decides while it runs is refused.
struct ShellLine: Sendable, Hashable {
    /// A program, or a builtin of the shell, with its arguments.
    struct Command: Sendable, Hashable {
        /// `NAME=value` before the command.
        var assignments: [Word] = []
        var words: [Word] = []

        var isEmpty: Bool { assignments.isEmpty && words.isEmpty }
    }

    struct Word: Sendable, Hashable {
        /// What the program gets, wildcards as they are written.
        var value: String
        /// The word as it is matched: quoted only where it has to be.
        var canonical: String
    }

    /// Why a line is not understood.
    enum Refusal: Error, Sendable, Hashable {
        case unclosedQuote(String)
        case trailingBackslash
        case substitution(String)
        case expansion
        case braces
        case redirection(String)
        case hereDocument
        case grouping(String)
        case keyword(String)
        case wildcardInCommand(String)

        var reason: String {
            switch self {
            case .unclosedQuote(let quote): "a quotation with \(quote) is not closed"
            case .trailingBackslash: "it ends with a backslash"
            case .substitution(let sign): "the output of another command is used with \(sign)"
            case .expansion: "a value is used with $"
            case .braces: "words are made with { }"
            case .redirection(let file): "a file is read or written by redirection: \(file.quoted)"
            case .hereDocument: "it has a here-document"
            case .grouping(let sign): "commands are grouped or a function is defined with \(sign)"
            case .keyword(let word): "it has the shell keyword \(word)"
            case .wildcardInCommand(let word): "the name of the command has a wildcard: \(word.quoted)"
            }
        }
    }

    let commands: [Command]

    init(_ text: String) throws(Refusal) {
        var parser = ShellLineParser(text)
        try parser.parse()
        commands = parser.commands
    }
}
