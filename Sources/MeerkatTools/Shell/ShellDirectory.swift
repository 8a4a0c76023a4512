internal import MeerkatCore
internal import MeerkatIO

/// Where commands may start.
struct ShellDirectory: Sendable {
    /// The session's working directory.
    let start: String
    /// No command starts outside of it.
    let root: String

    /// The real path of the directory that a call asks for.
    ///
    /// Only the start is confined: a command can go anywhere.
    ///
    /// - Throws: ``ToolError/executionFailed(_:)`` when it is missing or outside.
    func resolve(_ asked: String?) throws(ToolError) -> String {
        let path = asked.map { $0.hasPrefix("/") ? $0 : "\(start)/\($0)" } ?? start
        guard let resolved = Directories.resolved(path), Directories.isDirectory(resolved) else {
            throw .executionFailed("the working directory does not exist: \(path.quoted)")
        }
        guard let root = Directories.resolved(root) else {
            throw .executionFailed("the project root does not exist: \(root.quoted)")
        }
        guard resolved == root || root == "/" || resolved.hasPrefix(root + "/") else {
            throw .executionFailed("the working directory \(resolved.quoted) is outside of the project root \(root)")
        }
        return resolved
    }
}
