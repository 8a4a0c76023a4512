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
        let project = session.workingDirectory.map(places.moved) ?? places
        let hidden = { places.ownFiles + project.ownFiles }
        let notes = ["AGENTS.md", ".rkat/AGENTS.md"].lazy.compactMap { name in
            read("\(project.workingDirectory)/\(name)", in: project, hiding: hidden).map { (path: name, text: $0) }
        }.first
        return Instructions(
            configuredPrompt: agent.systemPromptFile.flatMap { prompt($0, in: project, hiding: hidden) }
                ?? agent.systemPrompt,
            globalNotes: places.home.flatMap { read($0 + "/.rkat/AGENTS.md") },
            projectNotes: notes,
            toolInstructions: session.hasTools || hasOwnTools ? agent.toolInstructions : nil)
    }

    /// A prompt of the settings: anywhere when its path is that of the user, inside the project when it is relative.
    private func prompt(_ path: String, in project: Places, hiding hidden: () -> [String]) -> String? {
        let isAnywhere = path.hasPrefix("/") || path.hasPrefix("~")
        return isAnywhere
            ? read(places.absolute(path)) : read("\(project.projectRoot)/\(path)", in: project, hiding: hidden)
    }

    /// As much of a regular file as may be used; nil when it cannot be read or a link leads out of the project.
    private func read(_ path: String, in project: Places, hiding hidden: () -> [String]) -> String? {
        // The usual case costs one look.
        guard Directories.fileExists(path) else { return nil }
        let root = DirectoryRoot(project.projectRoot, hiding: hidden())
        guard let relative = root.relativePath(of: path), let found = try? root.find(relative),
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
