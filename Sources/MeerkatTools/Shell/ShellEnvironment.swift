internal import MeerkatCore

/// Which variables of this program a command gets.
struct ShellEnvironment: Sendable {
    private static let usual: Set = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR", "TZ",
    ]

    private let names: Set<String>
    private let patterns: [TextPattern]

    /// - Parameter allowed: names, or patterns of names, besides the usual ones. A key of a provider has to be named.
    init(allowing allowed: [String]) {
        names = Self.usual.union(allowed)
        patterns = (["LC_*"] + allowed).compactMap { TextPattern($0) }
    }

    /// The variables for a command that starts in `directory`.
    func variables(from environment: [String: String], in directory: String) -> [String: String] {
        var variables = environment.filter { name, _ in
            names.contains(name) || !Self.isKey(name) && patterns.contains { $0.matches(name) }
        }
        variables["PWD"] = directory
        return variables
    }

    private static func isKey(_ name: String) -> Bool {
        name.uppercased().hasSuffix("_API_KEY")
    }
}
