internal import MeerkatCore
internal import MeerkatIO

/// The shell that runs the commands.
struct ShellProgram: Sendable, Hashable {
    static let defaultName = "bash"

    /// An absolute path.
    let path: String

    /// Its name, which tells the language it speaks.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Looks a configured shell up; for the default one, `sh` may stand in.
    ///
    /// - Parameters:
    ///   - configured: a name, or an absolute path.
    ///   - path: the directories to look in, joined by colons.
    /// - Throws: ``ToolError/executionFailed(_:)``, naming everything that was tried.
    init(_ configured: String, in path: String?) throws(ToolError) {
        let directories = path ?? "/usr/local/bin:/usr/bin:/bin"
        let candidates = configured == Self.defaultName ? [configured, "sh", "/bin/sh"] : [configured]
        for candidate in candidates {
            guard let found = SupervisedCommand.find(candidate, in: directories) else { continue }
            self.path = found
            return
        }
        throw .executionFailed(
            "no shell was found: tried \(candidates.joined(separator: ", ")) (shell.program) in \(directories)")
    }
}
