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
        let project = ["AGENTS.md", ".rkat/AGENTS.md"].lazy.compactMap { name in
            read((session.workingDirectory ?? places.workingDirectory) + "/" + name).map { (path: name, text: $0) }
        }.first
        return Instructions(
            configuredPrompt: agent.systemPromptFile.flatMap { read(places.absolute($0)) } ?? agent.systemPrompt,
            globalNotes: places.home.flatMap { read($0 + "/.rkat/AGENTS.md") },
            projectNotes: project,
            toolInstructions: session.hasTools || hasOwnTools ? agent.toolInstructions : nil)
    }

    /// As much of a file as may be used, with what is not UTF-8 replaced; nil when it cannot be read.
    private func read(_ path: String) -> String? {
        Files.read(path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension SessionOptions {
    fileprivate var hasTools: Bool { enableBuiltins == true || enableShell == true }
}
