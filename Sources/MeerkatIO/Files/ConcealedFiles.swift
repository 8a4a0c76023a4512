/// Files and directories that are not to be opened or made, under whatever name they are found.
struct ConcealedFiles: Sendable {
    private struct Name: Hashable {
        var directory: FileIdentity
        var name: String
    }

    private var identities: Set<FileIdentity> = []
    /// Names of what does not exist yet.
    private var names: Set<Name> = []

    var isEmpty: Bool { identities.isEmpty && names.isEmpty }

    /// Conceals what a path leads to, or else the first name on the way that does not exist.
    ///
    /// - Throws: ``SystemError`` when that cannot be found out.
    /// - Returns: Whether there is something.
    mutating func add(_ path: String) throws(SystemError) -> Bool {
        if let identity = try FileIdentity(of: path) {
            identities.insert(identity)
            return true
        }
        var rest = path
        while let parent = Directories.parent(of: rest) {
            let name = String(rest[rest.index(after: rest.lastIndex(of: "/") ?? rest.startIndex)...])
            if let directory = try FileIdentity(of: parent) {
                names.insert(Name(directory: directory, name: name))
                break
            }
            rest = parent
        }
        return false
    }

    func contains(_ identity: FileIdentity) -> Bool { identities.contains(identity) }

    func contains(_ name: String, in directory: FileIdentity?) -> Bool {
        guard !names.isEmpty, let directory else { return false }
        return names.contains(Name(directory: directory, name: name))
    }
}
