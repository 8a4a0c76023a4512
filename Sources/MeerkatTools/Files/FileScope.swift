internal import MeerkatCore
internal import MeerkatIO

/// The files that the tools of a session may use.
///
/// What is written is inside of the root; what is read is inside of it or of another directory that was named for
/// reading. What is hidden is neither, wherever it is. ``DirectoryRoot`` says how far that is certain.
public struct FileScope: Sendable {
    /// A path that is inside.
    struct Place {
        var found: FoundPath
        /// The path without links, for results: relative to the root where that is possible.
        var shown: String { shown([]) }
        /// Names the file in this process.
        var key: String
        /// The directory for reading that it is in.
        fileprivate var root: String?

        /// How results name what is below this place.
        func shown(_ components: [String]) -> String {
            let path = found.components + components
            guard let root else { return path.isEmpty ? "." : path.joined(separator: "/") }
            return ([root == "/" ? "" : root] + path).joined(separator: "/")
        }
    }

    /// Programs trust what these hold: hooks, configuration, keys.
    private static let protected = [".git", ".rkat"]

    private let root: DirectoryRoot
    private let readable: [DirectoryRoot]

    /// - Parameters:
    ///   - root: the directory that holds everything, and that relative paths start from.
    ///   - readable: further directories for reading.
    ///   - hidden: directories and files that cannot be used.
    public init(root: String, readable: [String] = [], hidden: [String] = []) {
        self.root = DirectoryRoot(root, hiding: hidden)
        self.readable = readable.map { DirectoryRoot($0) }
    }

    /// Looks for something to read.
    func toRead(_ path: String) throws(ToolError) -> Place {
        let place = try find(path, in: [root] + readable)
        guard place.found.kind != nil else { throw Self.missing(path) }
        return place
    }

    /// Looks for a file to write, which need not exist.
    func toWrite(_ path: String) throws(ToolError) -> Place {
        let place = try find(path, in: [root])
        if let name = protection(of: place.found.components) {
            throw .accessDenied(
                "\"\(path.quoted)\" is not written: what \(name) holds is trusted by other programs, so this tool"
                    + " leaves it alone")
        }
        switch place.found.kind {
        case .directory: throw .executionFailed("\"\(path.quoted)\" is a directory")
        case .special, .link: throw .executionFailed("\"\(path.quoted)\" is no regular file")
        case .file:
            guard let name = place.found.name, place.found.directory.isWritable(name) else {
                throw .accessDenied("\"\(path.quoted)\" may not be written")
            }
        case nil: break
        }
        return place
    }

    /// The name of the directory that protects a path, if one does: any of these names on the way, or what the root has
    /// under them when that is a link.
    private func protection(of components: [String]) -> String? {
        if let name = components.first(where: { Self.protected.contains($0.lowercased()) }) { return name }
        return Self.protected.first { name in
            // A name that leads nowhere protects nothing.
            guard let found = try? root.find(name), found.kind != nil else { return false }
            return components.starts(with: found.components)
        }
    }

    /// A place that must be a file, opened.
    func open(_ place: Place, _ path: String) throws(ToolError) -> OpenFile {
        switch place.found.kind {
        case .directory: throw .executionFailed("\"\(path.quoted)\" is a directory; list_files shows what is in it")
        case .special, .link:
            throw .executionFailed("\"\(path.quoted)\" is no regular file but a pipe, a socket or a device")
        case nil: throw Self.missing(path)
        case .file: break
        }
        do throws(SystemError) {
            return try place.found.directory.file(place.found.name ?? "")
        } catch {
            throw Self.failure(error, path)
        }
    }

    private static func missing(_ path: String) -> ToolError {
        .executionFailed("there is no file \"\(path.quoted)\"")
    }

    static func failure(_ error: SystemError, _ path: String) -> ToolError {
        if error.isMissing { return missing(path) }
        let text = "\"\(path.quoted)\": \(error.reason)"
        return error.isReadOnly ? .accessDenied(text) : .executionFailed(text)
    }

    private func find(_ path: String, in roots: [DirectoryRoot]) throws(ToolError) -> Place {
        guard !path.isEmpty else { throw .invalidArguments("the path is empty") }
        guard !path.utf8.contains(0) else { throw .invalidArguments("the path holds a NUL character") }
        let absolute = path.hasPrefix("/") ? path : root.path + "/" + path
        var failure: DirectoryRoot.Failure?
        for root in roots {
            guard let relative = root.relativePath(of: absolute) else { continue }
            do throws(DirectoryRoot.Failure) {
                return place(try root.find(relative), in: root)
            } catch {
                // What one root hides may be open in another.
                failure = failure ?? error
            }
        }
        throw Self.failure(failure ?? .leadsOutside, path)
    }

    private static func failure(_ failure: DirectoryRoot.Failure, _ path: String) -> ToolError {
        switch failure {
        case .leadsOutside:
            .accessDenied("\"\(path.quoted)\" is outside of the session's directory, which this tool does not leave")
        case .danglingLink(let name):
            .accessDenied(
                "\"\(path.quoted)\": \"\(name.quoted)\" is a symbolic link to something that does not exist")
        case .tooManyLinks: .accessDenied("\"\(path.quoted)\" passes too many symbolic links")
        case .system(let error): Self.failure(error, path)
        }
    }

    private func place(_ found: FoundPath, in root: DirectoryRoot) -> Place {
        let resolved = root.resolvedPath
        return Place(
            found: found, key: resolved + "/" + found.components.joined(separator: "/"),
            root: root.path == self.root.path ? nil : resolved)
    }
}
