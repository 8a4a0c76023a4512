#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A directory that no path leads out of.
///
/// Paths are walked one component at a time, each looked up in the directory that was opened before it. Symbolic links
/// are read and followed here and never by the system, and `..` goes back to the directory the walk came from. So
/// a name, link or directory that is exchanged during the walk leads to an error at worst, not outside.
///
/// What this does not notice: hard links and mounted file systems, which are files of this tree like others; and a
/// directory that someone moves out of the tree while a file in it is being used.
public struct DirectoryRoot: Sendable {
    /// Why a path leads to nothing that may be used.
    public enum Failure: Error, Sendable, Hashable {
        case leadsOutside
        /// A symbolic link whose target does not exist.
        case danglingLink(String)
        case tooManyLinks
        /// The root itself cannot be opened, or a step on the way failed.
        case system(SystemError)
    }

    /// As it was given.
    public let path: String
    private let hidden: [String]

    /// No path leads to the directories and files that are hidden, nor to what is in them.
    public init(_ path: String, hiding hidden: [String] = []) {
        self.path = path
        self.hidden = hidden
    }

    /// The path without links; as it was given when there is nothing.
    public var resolvedPath: String { Directories.resolved(path) ?? path }

    /// The way from the root to an absolute path, or nil when it is clear that it is not inside.
    ///
    /// The answer may hold `..`, and what it leads to is only known after ``find(_:)``.
    public func relativePath(of absolute: String) -> String? {
        let resolved = resolvedPath
        for root in [path, resolved] {
            if let rest = Self.rest(of: absolute, below: root) { return rest }
        }
        // The same place under another name: as much of it as exists is resolved.
        var (head, tail) = (absolute, "")
        while true {
            if let known = Directories.resolved(head) {
                guard let rest = Self.rest(of: known, below: resolved) else { return nil }
                return rest + tail
            }
            guard let slash = head.lastIndex(of: "/") else { return nil }
            tail = head[slash...] + tail
            head = slash == head.startIndex ? "/" : String(head[..<slash])
            if tail.hasSuffix("/..") || tail.contains("/../") { return nil }
        }
    }

    private static func rest(of path: String, below root: String) -> String? {
        if path == root { return "" }
        let prefix = root.hasSuffix("/") ? root : root + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }

    /// Walks a path that is relative to the root.
    ///
    /// Ends at a directory, at anything else that is the last component, or at the first name that does not exist.
    public func find(_ relative: String) throws(Failure) -> FoundPath {
        let start = try attempt { () throws(SystemError) in try open() }
        var walk = PathWalk(root: self, path: relative, start: start)
        return try walk.run()
    }

    private func open() throws(SystemError) -> OpenDirectory {
        var concealed = ConcealedFiles()
        let resolved = resolvedPath
        for path in hidden {
            guard try concealed.add(path) else { continue }
            guard let place = Directories.resolved(path), Self.rest(of: resolved, below: place) == nil else {
                throw SystemError(code: EACCES, path: self.path)
            }
        }
        return try OpenDirectory(resolved, hiding: concealed)
    }
}

/// Runs calls of the system on the way of a path.
private func attempt<T>(_ call: () throws(SystemError) -> T) throws(DirectoryRoot.Failure) -> T {
    do throws(SystemError) { return try call() } catch { throw .system(error) }
}

/// A path on its way from a root.
private struct PathWalk {
    /// A component that has not been looked up yet.
    private struct Step {
        var name: String
        /// Whether a link said it.
        var isOfLink: Bool
    }

    private static let maxLinks = 40

    private let root: DirectoryRoot
    private let path: String
    private let start: OpenDirectory
    /// Where the walk is; the way back.
    private var passed: [(name: String, directory: OpenDirectory)] = []
    /// What is to come, the next last.
    private var steps: [Step]
    private var links = 0

    init(root: DirectoryRoot, path: String, start: OpenDirectory) {
        self.root = root
        self.path = path
        self.start = start
        steps = Self.steps(path, isOfLink: false)
    }

    private static func steps(_ path: String, isOfLink: Bool) -> [Step] {
        path.split(separator: "/").filter { $0 != "." }.reversed().map { Step(name: String($0), isOfLink: isOfLink) }
    }

    private var directory: OpenDirectory { passed.last?.directory ?? start }

    mutating func run() throws(DirectoryRoot.Failure) -> FoundPath {
        while let step = steps.popLast() {
            if step.name == ".." {
                guard passed.popLast() != nil else { throw .leadsOutside }
                continue
            }
            let directory = directory
            guard let status = try attempt({ () throws(SystemError) in try directory.status(step.name) }) else {
                return try missing(step)
            }
            switch status.kind {
            case .directory:
                passed.append((step.name, try attempt { () throws(SystemError) in try directory.directory(step.name) }))
            case .link:
                try follow(step)
            case .file, .special:
                guard steps.isEmpty else { throw .system(SystemError(code: ENOTDIR, path: path)) }
                return found(status.kind, [step.name])
            }
        }
        return found(.directory, [])
    }

    private mutating func follow(_ link: Step) throws(DirectoryRoot.Failure) {
        links += 1
        guard links <= Self.maxLinks else { throw .tooManyLinks }
        let directory = directory
        let target = try attempt { () throws(SystemError) in try directory.linkTarget(link.name) }
        guard target.hasPrefix("/") else {
            steps += Self.steps(target, isOfLink: true)
            return
        }
        guard let rest = root.relativePath(of: target) else { throw .leadsOutside }
        passed = []
        steps += Self.steps(rest, isOfLink: true)
    }

    private func missing(_ step: Step) throws(DirectoryRoot.Failure) -> FoundPath {
        guard !step.isOfLink else { throw .danglingLink(step.name) }
        let names = [step.name] + steps.reversed().map(\.name)
        guard !names.contains("..") else { throw .system(SystemError(code: ENOENT, path: path)) }
        return found(nil, names)
    }

    private func found(_ kind: OpenDirectory.Kind?, _ rest: [String]) -> FoundPath {
        FoundPath(components: passed.map(\.name) + rest, kind: kind, directory: directory, rest: rest)
    }
}

/// What a path in a ``DirectoryRoot`` led to.
public struct FoundPath: Sendable {
    /// The way from the root, without links and `..`; empty for the root.
    public let components: [String]
    /// Nil when there is nothing yet; a link is never found.
    public let kind: OpenDirectory.Kind?
    /// The directory itself, else the deepest one on the way that exists.
    public let directory: OpenDirectory
    /// What follows the directory: nothing, the file's name, or the names that do not exist.
    public let rest: [String]

    /// The name of the file, existing or not, in its directory; nil for a directory.
    public var name: String? { rest.last }

    /// The directory of the file; those that are missing are created.
    public func creatingParent() throws(SystemError) -> OpenDirectory {
        var parent = directory
        for name in rest.dropLast() { parent = try parent.creatingDirectory(name) }
        return parent
    }
}
