public import MeerkatCore

/// The tools that a session has when it asks for the built-in ones.
public enum BuiltinTools {
    /// Makes the tools of one session.
    ///
    /// - Parameters:
    ///   - root: the session's directory, which the file tools do not leave.
    ///   - taskStore: the project's tasks.
    ///   - readable: further directories that may be read.
    ///   - hidden: directories and files that the file tools cannot use.
    /// - Returns: the whole family, in the order in which models are told of it.
    public static func make(
        root: String, taskStore: TaskStore, readable: [String] = [], hidden: [String] = []
    ) -> [any Tool] {
        let scope = FileScope(root: root, readable: readable, hidden: hidden)
        return [
            TaskCreateTool(store: taskStore),
            TaskGetTool(store: taskStore),
            TaskListTool(store: taskStore),
            TaskUpdateTool(store: taskStore),
            WaitTool(),
            DateTimeTool(),
            ReadFileTool(scope: scope),
            WriteFileTool(scope: scope),
            EditFileTool(scope: scope),
            ListFilesTool(scope: scope),
            SearchFilesTool(scope: scope),
        ]
    }
}
