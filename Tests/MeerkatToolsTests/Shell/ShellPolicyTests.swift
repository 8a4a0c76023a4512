import MeerkatCore
import Testing

@testable import MeerkatTools

@Suite struct ShellLines {
    /// The canonical forms of the commands of a line.
    private func commands(_ line: String) throws -> [String] {
        try ShellLine(line).commands.map { ($0.assignments + $0.words).map(\.canonical).joined(separator: " ") }
    }

    @Test(
        arguments: [
            ("", []), ("  \n ; ", []), ("ls", ["ls"]), ("  ls   -l\t/tmp ", ["ls -l /tmp"]),
            ("a;b&c&&d||e|f|&g\nh", ["a", "b", "c", "d", "e", "f", "g", "h"]),
            ("a&&b;", ["a", "b"]), ("sleep 1 &", ["sleep 1"]),
            (#"echo 'a;b' "c|d" e\;f"#, ["echo 'a;b' 'c|d' e';'f"]),
            (#"echo "a b" a\ b 'a'"b""#, ["echo 'a b' a' 'b ab"]),
            (#"echo "it's" \'"#, [#"echo 'it'\''s' ''\'''"#]), (#"echo "\a\"\\\$" "#, [#"echo '\a"\$'"#]),
            (#"r\m -rf "/tm"p '' """#, ["rm -rf /tmp '' ''"]), ("a\\\nb c\\\n d", ["ab c d"]),
            ("FOO=1 BAR='a b' cmd x=y", ["FOO=1 BAR='a b' cmd x=y"]), ("FOO=1", ["FOO=1"]), ("F+=1 a", ["F+=1 a"]),
            (#""FOO"=1"#, ["FOO=1"]), ("1A=2", ["1A=2"]),
            ("ls *.txt '*' a'*'b*", ["ls *.txt '*' a'*'b*"]),
            ("curl https://a.b/c?d=e#f", ["curl https://a.b/c?d=e#f"]),
            ("git log --format=%H a#b", ["git log --format=%H a#b"]), ("ls # all of them; rm x\nb", ["ls", "b"]),
            ("make 2>&1 >/dev/null | tee </dev/null 2> /dev/null", ["make", "tee"]),
            ("make >&2 2>&-", ["make"]), ("\\\n touch x", ["touch x"]), ("git \\\n push", ["git push"]),
            ("[ -f a ]", ["[ -f a ]"]),
            ("find . -exec ls {} \\;", ["find . -exec ls {} ';'"]), ("grep a$ b; echo $", ["grep a'$' b", "echo '$'"]),
            ("grep \"a$\" ~/x é", ["grep 'a$' ~/x é"]), ("echo if then", ["echo if then"]), ("'if' x", ["if x"]),
            ("echo a=b [", ["echo a=b ["]), ("2 x", ["2 x"]),
        ] as [(String, [String])])
    func isTakenApart(_ line: String, _ expected: [String]) throws {
        #expect(try commands(line) == expected)
    }

    @Test(
        arguments: [
            ("echo 'a", .unclosedQuote("'")), ("echo \"a", .unclosedQuote("\"")), ("echo a\\", .trailingBackslash),
            ("echo $(rm x)", .substitution("$(")), ("echo \"$(rm x)\"", .substitution("$(")),
            ("echo `rm x`", .substitution("`")), ("echo \"`rm x`\"", .substitution("`")),
            ("diff <(a) b", .substitution("<(")), ("a >(b)", .substitution(">(")),
            ("echo $HOME", .expansion), ("echo ${HOME}", .expansion), ("echo \"$HOME\"", .expansion),
            ("echo $'a'", .expansion), ("echo $\"a\"", .expansion), ("$x", .expansion),
            ("echo $((1))", .substitution("$(")),
            ("echo {a,b}", .braces), ("echo a{1..3}", .braces), ("{cat,x}", .braces), ("echo {", .braces),
            ("{ ls; }", .keyword("{")), ("ls; }", .keyword("}")), ("(ls)", .grouping("(")),
            ("f() { ls; }", .grouping("(")),
            ("a )", .grouping(")")), ("case a in a) ls;; esac", .keyword("case")),
            ("if true; then ls; fi", .keyword("if")), ("! ls", .keyword("!")), ("[[ a ]]", .keyword("[[")),
            ("A=1 while b", .keyword("while")), ("time ls", .keyword("time")), ("ls;done", .keyword("done")),
            ("echo a > b", .redirection("b")), ("a >>b", .redirection("b")), ("a <b", .redirection("b")),
            ("a 2>b", .redirection("b")), ("a &>b", .redirection("&>")), ("a &>/dev/null", .redirection("&>")),
            ("a >&b", .redirection("b")),
            ("a >|b", .redirection("b")), ("a >&1\u{301}", .redirection("1\u{301}")), ("a >&--1", .redirection("--1")),
            ("a <>b", .redirection("b")), ("a >", .redirection("")), ("a > '/dev/null'x", .redirection("/dev/nullx")),
            ("a <<X\nb\nX", .hereDocument), ("a <<<b", .hereDocument), ("a <<-X", .hereDocument),
            ("l* a", .wildcardInCommand("l*")), ("/bin/r? x", .wildcardInCommand("/bin/r?")),
            ("a[0]=1", .wildcardInCommand("a[0]=1")),
            ("ls @(a|b)", .grouping("(")), ("printf -v 'a[$(touch x)]' y", .substitution("[ ]")),
            ("test -v 'a[`touch x`]'", .substitution("[ ]")),
        ] as [(String, ShellLine.Refusal)])
    func whatOnlyTheShellKnowsIsRefused(_ line: String, _ refusal: ShellLine.Refusal) {
        #expect(throws: refusal) { try ShellLine(line) }
    }
}

@Suite struct TextPatterns {
    @Test(arguments: [
        ("*", "", true), ("*", "a/b c", true), ("rm *", "rm -rf /a/b", true), ("rm *", "rm", false),
        ("rm *", "rmdir a", false),
        ("git*", "git", true), ("a?c", "abc", true), ("a?c", "ac", false), ("a?c", "a€c", true),
        ("*a*b", "xaxbxab", true), ("*a*b", "xaxbxa", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
        ("[]]", "]", true), ("[a-]", "-", true), ("a**b", "ab", true), ("", "", true), ("", "a", false),
        ("A", "a", false),
        ("curl https://*", "curl https://a.b/c?d", true),
    ])
    func matchesTheWholeText(_ pattern: String, _ text: String, _ matches: Bool) throws {
        #expect(try #require(TextPattern(pattern)).matches(text) == matches)
    }

    @Test(arguments: ["[", "a[b", "[]", "[!]", "[z-a]"])
    func isRefused(_ pattern: String) {
        #expect(TextPattern(pattern) == nil)
    }

    @Test func manyStarsTakeNoTime() throws {
        let pattern = try #require(TextPattern(String(repeating: "*a", count: 50) + "b"))
        #expect(!pattern.matches(String(repeating: "a", count: 5000)))
    }
}

@Suite struct ShellPolicies {
    private func isAllowed(
        _ line: String, _ mode: Configuration.Shell.SecurityMode, _ patterns: [String], program: String = "bash"
    ) -> Bool {
        do throws(ToolError) {
            try ShellPolicy(mode, patterns).check(line, for: program)
            return true
        } catch {
            if case .accessDenied = error { return false }
            Issue.record(error)
            return false
        }
    }

    @Test(arguments: [
        ("git status", true), ("git status && git diff", true), ("git status; rm -rf /", false), ("rm x", false),
        ("git status\nrm x", false), ("git log | head", false), ("git 'a;b'", true), ("git $(rm x)", false),
        ("PATH=/tmp git status", false), ("ls -l", true), ("ls -la", false), ("", true), ("# only words", true),
        ("git log > x", false), ("/bin/git status", false), ("env git status", false), ("'git' status", true),
    ])
    func anAllowListLetsOnlyTheListedPass(_ line: String, _ expected: Bool) {
        #expect(isAllowed(line, .allowList, ["git *", "ls -l"]) == expected)
        #expect(!isAllowed(line, .allowList, []) || line.isEmpty || line.hasPrefix("#"))
    }

    @Test(arguments: [
        #"printf -v X 'a[\044(id)]'"#, "printf -v 'b[X]' hi", "printf -v PATH /tmp", "printf -vX hi",
        "command printf -v X hi", "builtin -- printf -v X hi", "read 'a[X]'", "read -r 'a[\\x24]'", "declare 'a[X]=1'",
        "declare -i X=Y", "typeset -i X", "local -gi X=Y", "export 'a[X]=1'", "readonly 'a[X]=1'", "test -v 'a[X]'",
        "[ -v 'a[X]' ]", "unset 'a[X]'", "unset -v 'a[X]'", "let X", "let 'b[X]=1'", "mapfile 'a[X]'",
        "readarray 'a[X]'",
        "wait -p 'a[X]' 1", "wait -np X", "getopts o 'a[X]'", "test X -eq 1", "[ 1 -lt X ]", "exit X", "shift 'a[X]'",
        "set -A 'a[X]' 1", "integer X=Y",
    ])
    func builtinsThatEvaluateWordsAreRefused(_ line: String) {
        #expect(!isAllowed(line, .allowList, ["*"]))
        #expect(isAllowed("env " + line, .allowList, ["*"]))
    }

    @Test(arguments: [
        #"printf '%s[\n]' 'a[0]'"#, "printf hi", "[ -f 'a[0]' ]", "test 'a[0]' = b", "[ 1 -eq 2 ]", "export A=1",
        "read name", "exit 3", "unset A", "wait 1", "grep 'a[0]' f", "declare -x A=b", "printf %d 3",
    ])
    func builtinsThatOnlyPassWordsOnAreAllowed(_ line: String) {
        #expect(isAllowed(line, .allowList, ["*"]))
        #expect(isAllowed(line, .allowList, ["*"], program: "zsh"))
    }

    @Test(arguments: ["printf %d X", "printf '%5.2f' 1 X", "print -v X y"])
    func numbersThatSomeShellsEvaluateAreRefused(_ line: String) {
        #expect(!isAllowed(line, .allowList, ["*"], program: "zsh"))
        #expect(!isAllowed(line, .allowList, ["*"], program: "ksh"))
    }

    /// How many steps a check takes, and whether it refuses the line because there are too many.
    private func steps(_ line: String, _ mode: Configuration.Shell.SecurityMode, _ patterns: [String]) throws -> Int {
        var work = PolicyWork(length: line.utf8.count)
        do throws(ToolError) {
            try ShellPolicy(mode, patterns).check(line, for: "bash", &work)
            return work.used
        } catch {
            return work.used
        }
    }

    @Test(arguments: [
        String(repeating: "env eval ", count: 28) + "ls", String(repeating: "env eval ", count: 59) + "ls",
        String(repeating: "env sh ", count: 30) + "-c '" + String(repeating: "env sh ", count: 30) + "-c ls'",
        String(repeating: "env ", count: 132) + "ls", String(repeating: "eval ", count: 100) + "ls",
        "git " + String(repeating: "a", count: 500), String(repeating: "ls;", count: 2000),
    ])
    func checkingALineTakesStepsInProportionToItsLength(_ line: String) throws {
        let patterns = [String(repeating: "*a", count: 50) + "b", "rm *"]
        for mode in [Configuration.Shell.SecurityMode.allowList, .denyList] {
            #expect(try steps(line, mode, patterns) <= (line.utf8.count + 64) * PolicyWork.stepsPerByte + 1)
        }
    }

    @Test func aLineThatTakesTooManyStepsIsRefused() {
        #expect(!isAllowed(String(repeating: "env eval ", count: 28) + "ls", .denyList, ["rm *"]))
        let slow = "*" + String(repeating: "a", count: 2000) + "b"
        #expect(!isAllowed("echo " + String(repeating: "a", count: 20_000), .allowList, [slow]))
        #expect(isAllowed("echo " + String(repeating: "a", count: 200_000), .denyList, ["rm *", "*b*"]))
    }

    @Test(arguments: [
        ("ls", true), ("rm x", false), ("rm -rf /a/b", false), ("ls; rm x", false), ("ls && rm x | cat", false),
        (#"r\m x"#, false), ("'rm' x", false), ("A=1 rm x", false), ("/bin/rm x", false), ("sudo -n rm x", false),
        ("env -i A=1 nice rm x", false), ("find . -exec rm {} +", false), ("sh -c 'ls; rm x'", false),
        ("bash -ec \"rm x\"", false), ("eval rm x", false), ("eval 'rm' x", false),
        ("env sh -c 'eval \"rm x\"'", false),
        ("sh -c 'ls'", true), ("sh script", true), ("echo rm x", true), ("source x", false), (". x", false),
        ("alias a=b", false), ("trap 'rm x' EXIT", false), ("x=rm; $x y", false), ("ls $HOME", false),
        ("echo 'a", false),
        ("sh -c 'echo $(rm x)'", false), ("", true), ("\\\n rm x", false), ("git \\\n push", false),
        ("ls &>/dev/null rm x", false), ("taskset 1 rm x", false), ("/usr/bin/time rm x", false),
        ("compgen -C 'rm x'", false), ("command . x", false), ("find . -name '*.c'", true), ("env git add .", true),
        ("timeout 5 ls .", true), ("[ -f a ] || echo b", true), ("git push", false), ("git 'push'", false),
        ("git pull", true),
    ])
    func aDenyListStopsTheListed(_ line: String, _ expected: Bool) {
        #expect(isAllowed(line, .denyList, ["rm *", "git push*"]) == expected)
    }

    @Test func withoutAModeNothingIsParsed() {
        #expect(isAllowed("echo 'a $(", .unrestricted, ["["], program: "nu"))
    }

    @Test func anInvalidPatternStopsEverything() {
        #expect(!isAllowed("ls", .allowList, ["ls", "["]))
        #expect(!isAllowed("ls", .denyList, ["["]))
    }

    @Test func commandsOfOtherShellsAreNotUnderstood() {
        #expect(!isAllowed("ls", .allowList, ["ls"], program: "nu"))
        #expect(!isAllowed("ls", .denyList, [], program: "fish"))
    }
}
