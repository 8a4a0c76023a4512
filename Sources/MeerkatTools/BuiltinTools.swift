public import MeerkatCore

/// The tools that a session has when it asks for the built-in ones.
public enum BuiltinTools {
    /// Makes the tools of one session.
    ///
    /// - Parameters:
    ///   - root: the project's directory, which the file tools do not leave.
    ///   - workingDirectory: what relative paths start from.
    ///   - taskStore: the project's tasks.
    ///   - readable: further directories that may be read.
    /// - Returns: the whole family, in the order in which models are told of it.
    public static func make(
        root: String, workingDirectory: String, taskStore: TaskStore, readable: [String] = []
    ) -> [any Tool] {
        let scope = FileScope(root: root, workingDirectory: workingDirectory, readable: readable)
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
