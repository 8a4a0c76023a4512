internal import MeerkatCore
internal import MeerkatIO
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
        let places = scope.options.workingDirectory.map(self.places.moved) ?? self.places
        let output = self.places.outputDirectory(of: scope.session)
        var tools = options.tools
        var openWork: @Sendable () async -> String? = { nil }
        if scope.options.enableBuiltins == true {
            let tasks = TaskStore(
                path: places.taskFile, clock: options.clock, ids: options.ids)
            tools += BuiltinTools.make(
                root: places.workingDirectory, taskStore: tasks, readable: [output],
                hidden: self.places.ownFiles + places.ownFiles)
            openWork = { await tasks.openTasks() }
        }
        guard scope.options.enableShell == true else { return SessionTools(tools: tools, openWork: openWork) }
        let shell = Shell(
            Shell.Surroundings(
                workingDirectory: places.workingDirectory, projectRoot: places.projectRoot,
                environment: environment(without: settings.keyVariables), outputDirectory: output,
                hiddenDirectories: self.places.ownDirectories,
                clock: options.clock, ids: options.ids),
            settings: { settings.shell }, post: scope.post)
        return SessionTools(
            tools: tools + shell.tools,
            openWork: { [openWork] in
                let parts = [await openWork(), shell.openWork].compactMap(\.self)
                return parts.isEmpty ? nil : parts.joined(separator: "\n")
            },
            close: { await shell.close() })
    }

    /// Removes the outputs that were kept for a session.
    func removeFiles(of session: SessionID) {
        Directories.removeFlat(places.outputDirectory(of: session))
    }

    /// What commands may get some of: keys of providers are not for them, whatever the configuration says.
    private func environment(without keys: Set<String>) -> [String: String] {
        options.environment.filter { !keys.contains($0.key) }
    }
}

extension ToolProcess {
    private var identity: ProcessIdentity? {
        pid > 0 ? ProcessIdentity(pid: Int32(clamping: pid), startTime: startTime, bootID: boot) : nil
    }

    /// Whether the process has certainly ended.
    var hasEnded: Bool { identity.map { $0.state == .ended } ?? true }

    /// Ends the process with all that it has started, if it is certain to be there.
    func end() { identity?.end() }
}
