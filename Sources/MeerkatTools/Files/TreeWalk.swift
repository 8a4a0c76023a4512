internal import MeerkatCore
internal import MeerkatIO

/// Everything below a directory, in the order of the names, a directory before what is in it.
///
/// Links are shown and not followed, `.git` is left out, and so is what may not be read. The walk is bounded in depth
/// and in number.
struct TreeWalk {
    struct Entry {
        /// From the directory the walk started in.
        var path: [String]
        var status: OpenDirectory.Status
        /// Holds the entry under its name.
        var directory: OpenDirectory

        var name: String { path.last ?? "" }
    }

    /// A directory on the way to where the walk is.
    private struct Level {
        var directory: OpenDirectory
        /// What is still to come, the next last.
        var names: [String]
    }

    static let maxDepth = 64
    static let maxEntries = 200_000

    /// Whether the bounds have kept something back.
    private(set) var isIncomplete = false
    private let isRecursive: Bool
    private var levels: [Level] = []
    private var path: [String] = []
    private var count = 0

    init(_ start: OpenDirectory, isRecursive: Bool) throws(SystemError) {
        self.isRecursive = isRecursive
        try enter(start)
    }

    /// Goes on to the next entry; nil at the end.
    ///
    /// - Throws: ``ToolError/interrupted(_:)`` when the task is cancelled.
    mutating func next() throws(ToolError) -> Entry? {
        while let directory = levels.last?.directory {
            guard !Task.isCancelled else { throw .interrupted("the walk through the files was interrupted") }
            guard let name = levels[levels.count - 1].names.popLast() else {
                levels.removeLast()
                _ = path.popLast()
                continue
            }
            // What disappears or may not be looked at is passed over.
            guard let status = try? directory.status(name) else { continue }
            count += 1
            let entry = Entry(path: path + [name], status: status, directory: directory)
            if isRecursive, status.kind == .directory { descend(directory, name) }
            return entry
        }
        return nil
    }

    private mutating func descend(_ directory: OpenDirectory, _ name: String) {
        guard levels.count < Self.maxDepth else {
            isIncomplete = true
            return
        }
        do throws(SystemError) {
            try enter(try directory.directory(name))
            path.append(name)
        } catch {
            // A directory that may not be listed has been shown; that is all there is to it.
        }
    }

    private mutating func enter(_ directory: OpenDirectory) throws(SystemError) {
        let room = Self.maxEntries - count
        var names = try directory.names(limit: room + 1)
        if names.count > room {
            isIncomplete = true
            names.removeLast(names.count - room)
        }
        names.removeAll { $0 == ".git" }
        levels.append(Level(directory: directory, names: names.sorted(by: >)))
    }
}
