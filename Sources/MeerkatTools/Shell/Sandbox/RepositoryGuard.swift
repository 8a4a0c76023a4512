internal import MeerkatIO

/// What has to be there in a repository of git so that it can be made read-only: a command could make what is missing.
enum RepositoryGuard {
    /// What git executes or takes settings from.
    static let files = ["config", "config.worktree", "commondir"]

    /// The same in `worktrees/<name>`.
    private static let filesOfWorktree = ["commondir", "gitdir", "config.worktree"]

    /// The repository itself, which git takes as well when it is not told where settings and hooks are.
    private static let itself = ".\n"

    /// Makes what is missing.
    ///
    /// - Returns: the paths that must be read-only; nil when only all of the repository can be.
    static func paths(in repository: String) -> [String]? {
        let hooks = repository + "/hooks"
        let worktrees = repository + "/worktrees"
        try? Directories.create(hooks)
        guard isDirectory(hooks), isDirectory(worktrees) || !Directories.mayExist(worktrees) else { return nil }
        // Not a repository yet, and none that an empty file would make one.
        guard Directories.mayExist(repository + "/HEAD") else { return [hooks] + existing(files, in: repository) }
        let common = repository + "/commondir"
        guard isUnderstood(repository) else {
            // With this file git would pass over what the settings say of the working tree.
            if Files.read(common, limit: 8) == Array(itself.utf8) { Directories.removeFile(common) }
            return nil
        }
        guard make(["config", "config.worktree"], in: repository), make(["commondir"], in: repository, itself) else {
            return nil
        }
        var paths = [hooks] + files.map { "\(repository)/\($0)" }
        for name in Directories.names(in: worktrees) {
            let worktree = "\(worktrees)/\(name)"
            guard isDirectory(worktree) else { return nil }
            let isMade = make(["config.worktree"], in: worktree)
            guard isMade, filesOfWorktree.allSatisfy({ isFile("\(worktree)/\($0)") }) else { return nil }
            paths += filesOfWorktree.map { "\(worktree)/\($0)" }
        }
        return paths
    }

    /// Whether git behaves the same when `commondir` names the repository itself.
    private static func isUnderstood(_ repository: String) -> Bool {
        ["config", "config.worktree"].allSatisfy { name in
            let path = "\(repository)/\(name)"
            guard Directories.mayExist(path) else { return true }
            guard let bytes = Files.read(path, limit: 1 << 20), bytes.count < 1 << 20 else { return false }
            return String(decoding: bytes, as: UTF8.self).lowercased().split(whereSeparator: \.isNewline)
                .allSatisfy { !setsWorkingTree($0) }
        }
    }

    private static func setsWorkingTree(_ line: Substring) -> Bool {
        let setting = line.split(separator: "]").last ?? ""
        let parts = setting.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
        return parts.first == "worktree" || parts.first == "bare" && parts.last != "false"
    }

    private static func existing(_ names: [String], in directory: String) -> [String] {
        names.map { "\(directory)/\($0)" }.filter { Directories.mayExist($0) }
    }

    private static func make(_ names: [String], in directory: String, _ text: String = "") -> Bool {
        names.allSatisfy { name in
            let path = "\(directory)/\(name)"
            if !Directories.mayExist(path) { try? Directories.createFile(path, text) }
            return isFile(path)
        }
    }

    // A link could be replaced.
    private static func isFile(_ path: String) -> Bool { Directories.identity(of: path)?.isFile ?? false }

    private static func isDirectory(_ path: String) -> Bool { Directories.identity(of: path)?.isDirectory ?? false }
}
