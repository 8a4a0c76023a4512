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
        var work = Work()
        for command in try commands(of: line) {
            switch mode {
            case .unrestricted: break
            case .allowList: try checkIsAllowed(command)
            case .denyList: try checkIsNotDenied(command, depth: 0, &work)
            }
        }
    }

    private func commands(of line: String) throws(ToolError) -> [ShellLine.Command] {
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

    // MARK: Allowing

    private func checkIsAllowed(_ command: ShellLine.Command) throws(ToolError) {
        let text = Self.canonical(command.assignments + command.words)
        guard patterns.contains(where: { $0.glob.matches(text) }) else {
            throw .accessDenied("no pattern of shell.security_patterns allows: \(text.quoted)")
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

    /// How much more text is compared with patterns, in bytes times patterns.
    private struct Work {
        var left = 16 << 20
    }

    private func checkIsNotDenied(_ command: ShellLine.Command, depth: Int, _ work: inout Work) throws(ToolError) {
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
        _ words: ArraySlice<ShellLine.Word>, mayBeBuiltin: Bool, depth: Int, _ work: inout Work
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
            for command in try commands(of: line) { try checkIsNotDenied(command, depth: depth + 1, &work) }
        }
    }

    private func checkIsNotMatched(_ text: String, _ work: inout Work) throws(ToolError) {
        work.left -= (text.utf8.count + 64) * (patterns.count + 1)
        guard work.left >= 0 else {
            throw .accessDenied("the command is too long or nested too deeply to be checked (shell.security_mode)")
        }
        guard let pattern = patterns.first(where: { $0.glob.matches(text) }) else { return }
        throw .accessDenied("the pattern \(pattern.text.quoted) of shell.security_patterns denies: \(text.quoted)")
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
