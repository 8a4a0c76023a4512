public import MeerkatCore
internal import MeerkatIO

/// The shell of one open session: its tools, the commands that run for it and its background jobs.
public final class Shell: Sendable {
    /// What a shell is made of.
    public struct Surroundings: Sendable {
        /// The session's working directory.
        public var workingDirectory: String
        /// Commands start within it; the working directory when there is no project.
        public var projectRoot: String?
        /// What commands may get some variables of.
        public var environment: [String: String]
        /// Directories of the runtime, which commands do not reach.
        public var hiddenDirectories: [String]
        /// Takes the whole of outputs that are too long to be told; created when it is needed.
        public var outputDirectory: String
        public var clock: any RuntimeClock
        public var ids: any IDGenerator

        public init(
            workingDirectory: String, projectRoot: String?, environment: [String: String], outputDirectory: String,
            hiddenDirectories: [String] = [], clock: any RuntimeClock, ids: any IDGenerator
        ) {
            self.workingDirectory = workingDirectory
            self.projectRoot = projectRoot
            self.environment = environment
            self.outputDirectory = outputDirectory
            self.hiddenDirectories = hiddenDirectories
            self.clock = clock
            self.ids = ids
        }
    }

    private let surroundings: Surroundings
    private let settings: @Sendable () -> Configuration.Shell
    private let scratch: ScratchDirectory
    private let places = SandboxPlaces()
    private let sandboxNotice = SandboxNotice()
    private let outputQuota: OutputQuota
    let jobs: ShellJobs

    /// - Parameters:
    ///   - surroundings: where it is.
    ///   - settings: asked at each call, so that a change counts at once.
    ///   - post: takes a message when a background job has ended.
    public init(
        _ surroundings: Surroundings, settings: @escaping @Sendable () -> Configuration.Shell,
        post: @escaping @Sendable (MessageOrigin, [Block]) async -> Void
    ) {
        self.surroundings = surroundings
        self.settings = settings
        outputQuota = OutputQuota(directory: surroundings.outputDirectory)
        scratch = ScratchDirectory(id: "\(surroundings.ids.uniqueID(at: surroundings.clock.now))")
        jobs = ShellJobs(clock: surroundings.clock) { text in await post(.job, [.text(text)]) }
    }

    public var tools: [any Tool] {
        [
            ShellTool(shell: self), ShellJobsTool(jobs: jobs), ShellJobStatusTool(jobs: jobs),
            ShellJobCancelTool(jobs: jobs),
        ]
    }

    /// The running background jobs, for a summary of the conversation; nil when there are none.
    public var openWork: String? { jobs.openWork }

    /// Ends every command with all its processes.
    public func close() async {
        await jobs.close()
        scratch.remove()
    }

    /// What a call asks for, checked against the settings.
    ///
    /// - Throws: ``ToolError/accessDenied(_:)`` by the policy, ``ToolError/executionFailed(_:)`` when there is no such
    ///   directory or no shell.
    func request(for arguments: ShellTool.Arguments) throws(ToolError) -> ShellRequest {
        guard !arguments.command.utf8.contains(0) else {
            throw .invalidArguments("the command holds a NUL character, where it would end for the shell")
        }
        let settings = settings()
        let program = try ShellProgram(settings.program, in: surroundings.environment["PATH"])
        try ShellPolicy(settings.securityMode, settings.securityPatterns).check(arguments.command, for: program.name)
        let start = surroundings.workingDirectory
        let directory = try ShellDirectory(start: start, root: surroundings.projectRoot ?? start)
            .resolve(arguments.workingDirectory)
        let environment = ShellEnvironment(allowing: settings.allowedEnvironment)
            .variables(from: surroundings.environment, in: directory)
        let sandbox = try sandbox(settings).rules(in: directory)
        let command = SupervisedCommand(
            executable: program.path, arguments: ["-c", arguments.command],
            environment: environment.merging(sandbox?.variables ?? [:]) { $1 }, workingDirectory: directory,
            sandbox: sandbox?.0)
        let id = surroundings.ids.uniqueID(at: surroundings.clock.now)
        return ShellRequest(
            id: "job_\(id)", text: arguments.command, command: command, askedDirectory: arguments.workingDirectory,
            timeoutSeconds: arguments.timeoutSeconds ?? settings.timeoutSeconds,
            outputFile: "\(surroundings.outputDirectory)/job_\(id)", sandboxNotice: sandboxNotice,
            outputQuota: outputQuota)
    }

    private func sandbox(_ settings: Configuration.Shell) -> ShellSandbox {
        ShellSandbox(
            settings: settings, root: surroundings.projectRoot ?? surroundings.workingDirectory,
            start: surroundings.workingDirectory,
            home: surroundings.environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil },
            path: surroundings.environment["PATH"] ?? "", hidden: surroundings.hiddenDirectories,
            outputDirectory: surroundings.outputDirectory, scratch: scratch, places: places)
    }
}

/// A command that may be run.
struct ShellRequest: Sendable {
    /// Names it among the jobs.
    var id: String
    /// As the model wrote it.
    var text: String
    var command: SupervisedCommand
    /// As the model wrote it.
    var askedDirectory: String?
    var timeoutSeconds: Int
    /// Without an ending.
    var outputFile: String
    var sandboxNotice: SandboxNotice
    var outputQuota: OutputQuota
}
