internal import MeerkatCore

/// What builtins of a POSIX shell do with their words beyond passing them on.
///
/// A subscript is evaluated as arithmetic, and arithmetic evaluates the values of variables, which may hold a command.
/// `printf -v X 'a[\044(id)]'` followed by `printf -v 'b[X]' hi` runs `id` in bash.
enum ShellBuiltins {
    /// They run the builtin that their words name.
    private static let prefixes: Set = ["-", "builtin", "command", "exec", "noglob"]
    /// They take names of variables.
    private static let naming: Set = [
        "declare", "export", "getopts", "local", "mapfile", "nameref", "print", "printf", "read", "readarray",
        "readonly", "set", "test", "typeset", "unset", "vared", "wait", "[",
    ]
    /// They declare variables, with options of their own.
    private static let declaring: Set = ["declare", "export", "local", "readonly", "typeset"]
    /// Every value given to their variables is evaluated as arithmetic, then and later.
    private static let arithmetic: Set = ["float", "integer", "let"]
    /// They evaluate their words as arithmetic in some shells.
    private static let counting: Set = ["break", "continue", "exit", "return", "shift"]
    private static let comparisons: Set = ["-eq", "-ge", "-gt", "-le", "-lt", "-ne"]

    /// Why the shell would evaluate a word of a command, or assign a variable that the command only names; nil when it
    /// does not.
    static func evaluation(in words: [ShellLine.Word], program: String) -> String? {
        let (name, arguments) = invocation(words.map(\.value))
        if arithmetic.contains(name) { return "\(name) evaluates its words" }
        if counting.contains(name), let word = arguments.first(where: { !isNumber($0) }) {
            return "\(name) may evaluate \(word.quoted)"
        }
        guard naming.contains(name) else { return nil }
        return assignment(name, arguments) ?? evaluatedNumber(name, arguments, program)
            ?? subscripts(name, arguments)
    }

    private static func invocation(_ words: [String]) -> (name: String, arguments: ArraySlice<String>) {
        var rest = words[...]
        while let first = rest.first, prefixes.contains(first) {
            rest.removeFirst()
            // Their own options.
            while let option = rest.first, option.hasPrefix("-"), option.count > 1 { rest.removeFirst() }
        }
        return (rest.popFirst() ?? "", rest)
    }

    /// An option by which a builtin that otherwise only reads assigns a variable, or evaluates what is assigned.
    private static func assignment(_ name: String, _ arguments: ArraySlice<String>) -> String? {
        let option: Character? =
            switch name {
            case "printf", "print": "v"
            case "wait": "p"
            case let name where declaring.contains(name): "i"
            default: nil
            }
        guard let option else { return nil }
        let options = arguments.prefix { $0.hasPrefix("-") || $0.hasPrefix("+") }
        // Floating point, in ksh and zsh.
        let letters: [Character] = option == "i" ? ["i", "E", "F"] : [option]
        guard options.contains(where: { word in letters.contains { word.contains($0) } }) else { return nil }
        return "\(name) -\(option) assigns or evaluates a variable"
    }

    /// A word that ksh and zsh evaluate where others expect a number.
    private static func evaluatedNumber(
        _ name: String, _ arguments: ArraySlice<String>, _ program: String
    ) -> String? {
        let operands: [String]
        switch name {
        case "test", "[":
            operands = arguments.indices.flatMap { index in
                comparisons.contains(arguments[index])
                    ? [index - 1, index + 1].filter(arguments.indices.contains).map { arguments[$0] } : []
            }
        case "printf", "print":
            guard program == "ksh" || program == "zsh", arguments.contains(where: hasNumericConversion) else {
                return nil
            }
            operands = arguments.filter { !$0.contains("%") && !$0.hasPrefix("-") }
        default: return nil
        }
        return operands.first { !isNumber($0) }.map { "\(name) may evaluate \($0.quoted)" }
    }

    private static func hasNumericConversion(_ format: String) -> Bool {
        format.split(separator: "%", omittingEmptySubsequences: false).dropFirst().contains { rest in
            rest.first { $0.isLetter || $0 == "*" }.map { !"sbqc".contains($0) } ?? false
        }
    }

    private static func subscripts(_ name: String, _ arguments: ArraySlice<String>) -> String? {
        // The closing bracket of `[`; without a name, words with brackets are only compared.
        let words = name == "[" ? arguments.dropLast() : arguments
        switch name {
        case "print", "printf": return nil
        case "test", "[":
            guard words.contains(where: { $0 == "-v" || $0 == "-R" }) else { return nil }
        default: break
        }
        return words.first(where: mayBeEvaluated).map { "\(name) may evaluate \($0.quoted)" }
    }

    /// Has what begins a subscript or a substitution, or what may stand for one of their characters.
    private static func mayBeEvaluated(_ word: String) -> Bool {
        word.utf8.contains { "[$`\\(".utf8.contains($0) }
    }

    private static func isNumber(_ word: String) -> Bool {
        !word.isEmpty && word.utf8.allSatisfy { "0123456789+-.".utf8.contains($0) }
    }
}
