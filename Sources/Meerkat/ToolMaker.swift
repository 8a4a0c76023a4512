internal import MeerkatCore
internal import MeerkatTools

/// Makes the tools of a session from what it asks for.
struct ToolMaker: Sendable {
    let places: Places
    let configuration: any ConfigurationStore
    let options: MeerkatRuntime.Options

    func tools(for scope: ToolScope) -> SessionTools {
        guard scope.options.enableBuiltins == true || scope.options.enableShell == true else {
            return SessionTools(tools: options.tools)
        }
        let settings = configuration.currentOrDefault
        let places =
            scope.options.workingDirectory.map { Places(workingDirectory: $0, home: self.places.home) } ?? self.places
        let root = places.projectRoot ?? places.workingDirectory
        let output = self.places.outputDirectory(settings, of: scope.session)
        var tools = options.tools
        var openWork: @Sendable () async -> String? = { nil }
        if scope.options.enableBuiltins == true {
            let tasks = TaskStore(
                path: TaskStore.path(
                    root: places.projectRoot, configured: settings.store.tasksPath.map(self.places.absolute)),
                clock: options.clock, ids: options.ids)
            tools += BuiltinTools.make(
                root: root, workingDirectory: places.workingDirectory, taskStore: tasks, readable: [output])
            openWork = { await tasks.openTasks() }
        }
        return SessionTools(tools: tools, openWork: openWork)
    }
}
