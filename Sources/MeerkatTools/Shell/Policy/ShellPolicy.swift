internal import MeerkatCore

/// Which commands the shell may be given.
///
/// Every command of a line is matched by itself, in its canonical form: words joined by one space and quoted where they have
/// to be. Under a list, a line that is not understood is refused, whichever list it is. An allow-list holds against
/// a hostile model as far as the programs it names do; a deny-list stops mistakes, because a program can be run in more
/// ways than patterns can name.
struct ShellPolicy: Sendable {
    private let mode: Configuration.Shell.SecurityMode
    private let patterns: [(text: String, glob: TextPattern)]

    /// - Throws: ``ToolError/accessDenied(_:)`` when a pattern is not valid: nothing may be run then.
    init(_ mode: Configuration.Shell.SecurityMode, _ patterns: [String]) throws(ToolError) {
        self.mode = mode
        var compiled: [(text: String, glob: TextPattern)] = []
        for pattern in patterns where mode != .unrestricted {
            guard let glob = TextPattern(pattern) else {
                throw .accessDenied("shell.security_patterns holds an invalid pattern: \(pattern.quoted)")
            }
            compiled.append((pattern, glob))
        }
        self.patterns = compiled
    }

    /// - Parameters:
    ///   - line: what the shell would be given.
    ///   - program: the name of the shell.
    /// - Throws: ``ToolError/accessDenied(_:)``, saying why.
    func check(_ line: String, for program: String) throws(ToolError) {
        guard mode != .unrestricted else { return }
        guard Self.shells.contains(program) else {
            throw .accessDenied("commands for \(program) cannot be checked: shell.security_mode needs a POSIX shell")
        }
        var work = PolicyWork(length: line.utf8.count)
        try check(line, for: program, &work)
    }

    /// Takes no more than the given steps.
    func check(_ line: String, for program: String, _ work: inout PolicyWork) throws(ToolError) {
        for command in try commands(of: line, &work) {
            switch mode {
            case .unrestricted: break
            case .allowList: try checkIsAllowed(command, for: program, &work)
            case .denyList: try checkIsNotDenied(command, depth: 0, &work)
            }
        }
    }

    private func commands(of line: String, _ work: inout PolicyWork) throws(ToolError) -> [ShellLine.Command] {
        guard work.take(line.utf8.count) else { throw Self.tooMuchWork }
        do throws(ShellLine.Refusal) {
            return try ShellLine(line).commands
        } catch {
            throw .accessDenied(
                """
                the command is not understood well enough to be checked (shell.security_mode): \(error.reason). \
                Use plain commands, joined by ; && || | or newlines
                """)
        }
    }

    private static let tooMuchWork = ToolError.accessDenied(
        "the command is too long or nested too deeply to be checked (shell.security_mode)")

    /// The first pattern that the text matches.
    private func pattern(matching text: String, _ work: inout PolicyWork) throws(ToolError) -> String? {
        guard work.take(text.utf8.count) else { throw Self.tooMuchWork }
        for pattern in patterns {
            let isMatch = pattern.glob.matches(text) { work.take(1) }
            guard !work.isSpent else { throw Self.tooMuchWork }
            if isMatch { return pattern.text }
        }
        return nil
    }

    // MARK: Allowing

    private func checkIsAllowed(
        _ command: ShellLine.Command, for program: String, _ work: inout PolicyWork
    ) throws(ToolError) {
        let text = Self.canonical(command.assignments + command.words)
        guard try pattern(matching: text, &work) != nil else {
            throw .accessDenied("no pattern of shell.security_patterns allows: \(text.quoted)")
        }
        guard work.take(text.utf8.count) else { throw Self.tooMuchWork }
        if let reason = ShellBuiltins.evaluation(in: command.words, program: program) {
            throw .accessDenied("\(reason), which cannot be checked (shell.security_mode)")
        }
    }

    private static func canonical(_ words: some Sequence<ShellLine.Word>) -> String {
        words.lazy.map(\.canonical).joined(separator: " ")
    }

    // MARK: Denying

    private static let shells: Set = ["ash", "bash", "dash", "ksh", "sh", "zsh"]
    /// They make other words run something else.
    private static let redefining: Set = [
        ".", "alias", "bind", "compgen", "complete", "enable", "fc", "hash", "mapfile", "readarray", "source", "trap",
    ]
    /// They run builtins of the shell as well as programs.
    private static let builtinWrappers: Set = ["-", "builtin", "command", "exec", "noglob"]
    /// They run their arguments.
    private static let wrappers: Set = [
        "-", "builtin", "busybox", "chroot", "chrt", "command", "doas", "env", "exec", "find", "flock", "ionice",
        "ltrace", "nice", "noglob", "nohup", "nsenter", "numactl", "parallel", "prlimit", "script", "setarch",
        "setpriv", "setsid", "stdbuf", "strace", "su", "sudo", "systemd-run", "taskset", "time", "timeout", "unshare",
        "valgrind", "watch", "xargs",
    ]

    private func checkIsNotDenied(_ command: ShellLine.Command, depth: Int, _ work: inout PolicyWork) throws(ToolError)
    {
        try checkIsNotMatched(Self.canonical(command.assignments + command.words), &work)
        guard let first = command.words.first else { return }
        let name = Self.name(first)
        let tails = Self.wrappers.contains(name) ? command.words.count : 1
        for start in 0..<tails {
            let mayBeBuiltin = start == 0 || Self.builtinWrappers.contains(name)
            try checkTail(command.words[start...], mayBeBuiltin: mayBeBuiltin, depth: depth, &work)
        }
    }

    private func checkTail(
        _ words: ArraySlice<ShellLine.Word>, mayBeBuiltin: Bool, depth: Int, _ work: inout PolicyWork
    ) throws(ToolError) {
        guard let first = words.first else { return }
        let name = Self.name(first)
        try checkIsNotMatched(Self.canonical(words), &work)
        try checkIsNotMatched(([name] + words.dropFirst().map(\.canonical)).joined(separator: " "), &work)
        if mayBeBuiltin, Self.redefining.contains(name) {
            throw .accessDenied(
                "\(name) changes what commands run, so that they cannot be checked (shell.security_mode)")
        }
        for line in Self.lines(in: words, name) {
            guard depth < 8 else { throw .accessDenied("shells are nested too deeply to be checked") }
            for command in try commands(of: line, &work) { try checkIsNotDenied(command, depth: depth + 1, &work) }
        }
    }

    private func checkIsNotMatched(_ text: String, _ work: inout PolicyWork) throws(ToolError) {
        guard let pattern = try pattern(matching: text, &work) else { return }
        throw .accessDenied("the pattern \(pattern.quoted) of shell.security_patterns denies: \(text.quoted)")
    }

    /// The program without its directory.
    private static func name(_ word: ShellLine.Word) -> String {
        word.value.split(separator: "/").last.map(String.init) ?? word.value
    }

    /// Arguments that are command lines themselves.
    private static func lines(in words: ArraySlice<ShellLine.Word>, _ name: String) -> [String] {
        let arguments = words.dropFirst().map(\.value)
        if name == "eval" { return [arguments.joined(separator: " ")] }
        let isOption = { (word: String) in word.hasPrefix("-") || word.hasPrefix("+") }
        guard shells.contains(name), arguments.contains(where: { isOption($0) && $0.contains("c") }) else { return [] }
        return arguments.filter { !isOption($0) }
    }
}
