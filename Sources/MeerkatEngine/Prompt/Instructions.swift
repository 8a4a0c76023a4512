internal import MeerkatCore

/// Composes the instructions that a session is given.
public struct Instructions: Sendable, Hashable {
    /// Most of an AGENTS.md that is taken, in bytes.
    public static let fileLimit = 32 * 1024

    /// A session's own instructions; they replace everything but what is appended to any.
    public var sessionPrompt: String?
    /// The configured instructions, instead of the built-in ones.
    public var configuredPrompt: String?
    /// The user's AGENTS.md, for all projects.
    public var globalNotes: String?
    /// The project's AGENTS.md and where it stands.
    public var projectNotes: (path: String, text: String)?
    /// Appended last.
    public var toolInstructions: String?

    public init(
        sessionPrompt: String? = nil, configuredPrompt: String? = nil, globalNotes: String? = nil,
        projectNotes: (path: String, text: String)? = nil, toolInstructions: String? = nil
    ) {
        self.sessionPrompt = sessionPrompt
        self.configuredPrompt = configuredPrompt
        self.globalNotes = globalNotes
        self.projectNotes = projectNotes
        self.toolInstructions = toolInstructions
    }

    public var text: String {
        if let sessionPrompt { return sessionPrompt }
        var parts = [configuredPrompt ?? Self.builtIn]
        if let notes = globalNotes.flatMap(Self.nonBlank) {
            parts.append("# Notes of the user for all projects (~/.rkat/AGENTS.md)\n\n" + notes)
        }
        if let projectNotes, let notes = Self.nonBlank(projectNotes.text) {
            parts.append("# Notes of this project (\(projectNotes.path))\n\n" + notes)
        }
        if let instructions = toolInstructions.flatMap(Self.nonBlank) { parts.append(instructions) }
        return parts.joined(separator: "\n\n")
    }

    /// The text cut to the limit between characters, or nil when it is blank.
    private static func nonBlank(_ text: String) -> String? {
        guard text.contains(where: { !$0.isWhitespace }) else { return nil }
        return String(text.prefix(utf8: fileLimit))
    }

    private static let builtIn = """
        You are an agent that works on its own until the task is done.

        How you work:
        - Break the task into steps and take them one after the other; independent tool calls go out together.
        - When a tool fails, read the error, find the cause and try another way before you give up.
        - Go on until the task is finished or you can show what blocks it.

        How you decide:
        - Where something is left open, choose what a careful expert would choose, and say what you assumed.
        - Where something needed is missing and cannot be found, say exactly what it is.
        - A correct answer matters more than a quick one. Claim only what you have seen.

        How you answer:
        - When you are done, say briefly what you did and what came of it.
        - When you could not finish, say what is missing and why.
        """
}

extension Instructions {
    public static func == (left: Instructions, right: Instructions) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
