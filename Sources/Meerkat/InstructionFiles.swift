internal import MeerkatCore
internal import MeerkatEngine
internal import MeerkatIO

/// Reads what a new session's instructions are composed of.
struct InstructionFiles: Sendable {
    let places: Places
    /// Whether every session has tools of the embedding program.
    let hasOwnTools: Bool

    func instructions(for session: SessionOptions, _ configuration: Configuration) -> Instructions {
        if let prompt = session.systemPrompt { return Instructions(sessionPrompt: prompt) }
        let agent = configuration.agent
        let places = session.workingDirectory.map(self.places.moved) ?? self.places
        let project = DirectoryRoot(
            places.projectRoot, hiding: self.places.ownFiles(configuration) + places.ownFiles(configuration))
        let notes = ["AGENTS.md", ".rkat/AGENTS.md"].lazy.compactMap { name in
            read("\(places.workingDirectory)/\(name)", in: project).map { (path: name, text: $0) }
        }.first
        return Instructions(
            configuredPrompt: agent.systemPromptFile.flatMap { prompt($0, in: project) } ?? agent.systemPrompt,
            globalNotes: places.home.flatMap { read($0 + "/.rkat/AGENTS.md") },
            projectNotes: notes,
            toolInstructions: session.hasTools || hasOwnTools ? agent.toolInstructions : nil)
    }

    /// A prompt of the settings: anywhere when its path is that of the user, inside the project when it is relative.
    private func prompt(_ path: String, in project: DirectoryRoot) -> String? {
        let isAnywhere = path.hasPrefix("/") || path.hasPrefix("~")
        return isAnywhere ? read(places.absolute(path)) : read("\(places.projectRoot)/\(path)", in: project)
    }

    /// As much of a regular file as may be used; nil when it cannot be read or a link leads out of the project.
    private func read(_ path: String, in project: DirectoryRoot) -> String? {
        // The usual case costs one look.
        guard Directories.fileExists(path), let relative = project.relativePath(of: path),
            let found = try? project.find(relative),
            found.kind == .file, let name = found.name,
            let bytes = try? found.directory.file(name).readPrefix(limit: Self.limit)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let limit = 1 << 20

    /// As much of a file as may be used, with what is not UTF-8 replaced; nil when it cannot be read.
    private func read(_ path: String) -> String? {
        Files.read(path, limit: Self.limit).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension SessionOptions {
    fileprivate var hasTools: Bool { enableBuiltins == true || enableShell == true }
}
