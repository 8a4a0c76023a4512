public import MeerkatCore
public import MeerkatJSON

/// Runs a command in the shell, and waits for it unless it is to run in the background.
public struct ShellTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        public var command: String
        /// Absolute, or relative to the session's.
        public var workingDirectory: String?
        public var timeoutSeconds: Int?
        public var isInBackground = false

        public init(from reader: inout JSONReader) throws(JSONError) {
            var command: String?
            var (directory, timeout, background) = (String?.none, Int?.none, Bool?.none)
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "command": command = try reader.readString()
                case "working_dir": directory = try reader.readOptional()
                case "timeout_secs": timeout = try reader.readOptional()
                case "background": background = try reader.readOptional()
                default: break
                }
            }
            self.command = try reader.require(command, "command")
            workingDirectory = directory
            timeoutSeconds = timeout
            isInBackground = background ?? false
        }
    }

    public let definition = ToolDefinition(
        name: "shell",
        description: """
            Runs a command in a POSIX shell and tells its exit code and output. Processes that it leaves behind are \
            ended; for servers and other long work set background and ask shell_job_status.
            """,
        inputSchema: .schema([
            "command": .string("The command line").required,
            "working_dir": .string("Where it starts: within the project, relative to the session's directory"),
            "timeout_secs": .integer("Seconds after which it is ended; 30 unless configured otherwise"),
            "background": .boolean("Return at once with a job id"),
        ]))

    let shell: Shell

    public var limitsItself: Bool { true }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let request = try shell.request(for: arguments)
        guard arguments.isInBackground else {
            let result = try await shell.jobs.run(request, in: context)
            var output = ToolOutput.json(result)
            output.essence = result.essence
            return output
        }
        let job = try await shell.jobs.spawn(request, in: context)
        let result: JSONObject = [
            "job_id": .string(job.id), "status": "running",
            "message": "The command runs in the background; its end will be told, and shell_job_status tells more.",
        ]
        return .json(result)
    }
}
