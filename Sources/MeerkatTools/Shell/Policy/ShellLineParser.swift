/// Reads a ``ShellLine``.
///
/// Source: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>
struct ShellLineParser {
    private(set) var commands: [ShellLine.Command] = []
    private var command = ShellLine.Command()
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    private func isNext(_ byte: Unicode.Scalar, after count: Int = 0) -> Bool {
        position + count < bytes.count && bytes[position + count] == UInt8(ascii: byte)
    }

    private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard isNext(byte) else { return false }
        position += 1
        return true
    }

    // MARK: Commands

    mutating func parse() throws(ShellLine.Refusal) {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): position += 1
            case UInt8(ascii: "\n"), UInt8(ascii: ";"):
                position += 1
                endCommand()
            case UInt8(ascii: "|"):
                position += 1
                if !skip("|") { _ = skip("&") }
                endCommand()
            case UInt8(ascii: "&"):
                position += 1
                // Some shells take this for a redirection, others for the end of a command.
                if isNext(">") { throw .redirection("&>") }
                _ = skip("&")
                endCommand()
            case UInt8(ascii: "<"), UInt8(ascii: ">"): try parseRedirection()
            case UInt8(ascii: "("): throw .grouping("(")
            case UInt8(ascii: ")"): throw .grouping(")")
            case UInt8(ascii: "#"): skipComment()
            case UInt8(ascii: "\\") where isNext("\n", after: 1): position += 2
            default: try take(parseWord())
            }
        }
        endCommand()
    }

    private mutating func endCommand() {
        if !command.isEmpty { commands.append(command) }
        command = ShellLine.Command()
    }

    private mutating func skipComment() {
        while position < bytes.count, !isNext("\n") { position += 1 }
    }

    private mutating func take(_ word: ParsedWord) throws(ShellLine.Refusal) {
        // The number before a redirection is the descriptor.
        if isNext("<") || isNext(">"), word.isPlain, Self.isNumber(word.value) { return }
        // Builtins such as printf and test evaluate the subscript of an array, quoted or not.
        if word.hasEvaluatedSubscript { throw .substitution("[ ]") }
        guard command.words.isEmpty else {
            command.words.append(word.shown)
            return
        }
        if word.isAssignment {
            command.assignments.append(word.shown)
            return
        }
        if word.isPlain, Self.keywords.contains(word.value) { throw .keyword(word.value) }
        // zsh looks up what follows an equals sign.
        if word.hasWildcard && word.value != "[" || word.value.hasPrefix("=") { throw .wildcardInCommand(word.value) }
        command.words.append(word.shown)
    }

    /// Whether a word has digits only; by bytes, because a digit with an accent is none for the shell.
    private static func isNumber(_ word: String) -> Bool {
        word.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static let keywords: Set<String> = [
        "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "foreach", "function",
        "if", "in", "nocorrect", "repeat", "select", "then", "time", "until", "while", "{", "}",
    ]

    // MARK: Redirections

    /// Lets descriptors be joined and `/dev/null` be used.
    private mutating func parseRedirection() throws(ShellLine.Refusal) {
        let start = position
        while isNext("<") || isNext(">") { position += 1 }
        let sign = String(decoding: bytes[start..<position], as: UTF8.self)
        if isNext("(") { throw .substitution(sign + "(") }
        if sign.hasPrefix("<<") { throw .hereDocument }
        let joins = skip("&")
        _ = skip("|")
        while isNext(" ") || isNext("\t") { position += 1 }
        let target = position < bytes.count && !isMeta(bytes[position]) ? try parseWord() : ParsedWord()
        let isDescriptor = target.value == "-" || !target.value.isEmpty && Self.isNumber(target.value)
        let isHarmless = target.isPlain && (joins ? isDescriptor : target.value == "/dev/null")
        guard isHarmless, sign.utf8.count <= 2 else { throw .redirection(target.value) }
    }

    // MARK: Words

    private func isMeta(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "&"),
            UInt8(ascii: "|"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "("), UInt8(ascii: ")"):
            true
        default: false
        }
    }

    private mutating func parseWord() throws(ShellLine.Refusal) -> ParsedWord {
        var word = ParsedWord()
        while position < bytes.count, !isMeta(bytes[position]) {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\\"): try parseEscape(&word)
            case UInt8(ascii: "'"): try parseSingleQuotes(&word)
            case UInt8(ascii: "\""): try parseDoubleQuotes(&word)
            case UInt8(ascii: "`"): throw .substitution("`")
            case UInt8(ascii: "$"): try parseDollar(&word, isQuoted: false)
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["): word.append(byte, .wildcard)
            case UInt8(ascii: "{"): try parseBrace(&word)
            default: word.append(byte, .plain)
            }
        }
        return word
    }

    private mutating func parseEscape(_ word: inout ParsedWord) throws(ShellLine.Refusal) {
        guard position < bytes.count else { throw .trailingBackslash }
        if skip("\n") { return }
        word.append(bytes[position], .quoted)
        position += 1
    }

    private mutating func parseSingleQuotes(_ word: inout ParsedWord) throws(ShellLine.Refusal) {
        word.isQuoted = true
        while !skip("'") {
            guard position < bytes.count else { throw .unclosedQuote("'") }
            word.append(bytes[position], .quoted)
            position += 1
        }
    }

    private mutating func parseDoubleQuotes(_ word: inout ParsedWord) throws(ShellLine.Refusal) {
        word.isQuoted = true
        while !skip("\"") {
            guard position < bytes.count else { throw .unclosedQuote("\"") }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "`"): throw .substitution("`")
            case UInt8(ascii: "$"): try parseDollar(&word, isQuoted: true)
            case UInt8(ascii: "\\"):
                if skip("\n") { continue }
                let isEscape = isNext("$") || isNext("`") || isNext("\"") || isNext("\\")
                word.append(isEscape ? bytes[position] : byte, .quoted)
                if isEscape { position += 1 }
            default: word.append(byte, .quoted)
            }
        }
    }

    /// A dollar sign that nothing follows stands for itself.
    private func isLonelyDollar(isQuoted: Bool) -> Bool {
        guard position < bytes.count else { return true }
        return isQuoted ? isNext("\"") || isNext(" ") : isMeta(bytes[position]) && !isNext("(")
    }

    private mutating func parseDollar(_ word: inout ParsedWord, isQuoted: Bool) throws(ShellLine.Refusal) {
        if isNext("(") { throw .substitution("$(") }
        guard isLonelyDollar(isQuoted: isQuoted) else { throw .expansion }
        word.append(UInt8(ascii: "$"), .quoted)
    }

    /// `{}` stands for itself, anything else may make several words.
    private mutating func parseBrace(_ word: inout ParsedWord) throws(ShellLine.Refusal) {
        if skip("}") {
            word.append(UInt8(ascii: "{"), .plain)
            word.append(UInt8(ascii: "}"), .plain)
        } else if word.value.isEmpty, position == bytes.count || isMeta(bytes[position]) {
            throw command.words.isEmpty ? .keyword("{") : .braces
        } else {
            throw .braces
        }
    }
}

/// A word of which is known how each of its bytes was written.
struct ParsedWord {
    enum Writing {
        /// As it is.
        case plain
        /// As it is, and it stands for other characters.
        case wildcard
        case quoted
    }

    private var bytes: [(byte: UInt8, writing: Writing)] = []
    /// It has quotation marks, perhaps around nothing.
    var isQuoted = false

    mutating func append(_ byte: UInt8, _ writing: Writing) {
        bytes.append((byte, writing))
    }

    var value: String { String(decoding: bytes.map(\.byte), as: UTF8.self) }
    var isPlain: Bool { !isQuoted && bytes.allSatisfy { $0.writing != .quoted } }
    var hasWildcard: Bool { bytes.contains { $0.writing == .wildcard } }
    var shown: ShellLine.Word { ShellLine.Word(value: value, canonical: canonical) }

    /// Has an opening bracket and behind it what would run a command.
    var hasEvaluatedSubscript: Bool {
        guard let bracket = value.firstIndex(of: "[") else { return false }
        let rest = value[bracket...]
        return rest.contains("`") || rest.contains("$")
    }

    /// Begins with an unquoted name and an equals sign.
    var isAssignment: Bool {
        guard let equals = bytes.firstIndex(where: { $0.byte == UInt8(ascii: "=") }) else { return false }
        var name = bytes[...equals].dropLast()
        if name.last?.byte == UInt8(ascii: "+") { name = name.dropLast() }
        guard let first = name.first?.byte, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return bytes[...equals].allSatisfy { $0.writing == .plain } && name.allSatisfy { Self.isNameByte($0.byte) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Each stretch that would mean something else without quotes is put into single quotes.
    private var canonical: String {
        guard !bytes.isEmpty else { return "''" }
        var text: [UInt8] = []
        var rest = bytes[...]
        while let writing = rest.first?.writing {
            let stretch = rest.prefix { ($0.writing == .quoted) == (writing == .quoted) }
            rest = rest.dropFirst(stretch.count)
            let mustQuote = writing == .quoted && stretch.contains { Self.hasMeaning($0.byte) }
            if mustQuote { text.append(UInt8(ascii: "'")) }
            for (byte, _) in stretch {
                if mustQuote, byte == UInt8(ascii: "'") { text += Array(#"'\'"#.utf8) }
                text.append(byte)
            }
            if mustQuote { text.append(UInt8(ascii: "'")) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func hasMeaning(_ byte: UInt8) -> Bool {
        " \t\n|&;<>()$`\\\"'*?[]{}#~!".utf8.contains(byte)
    }
}
