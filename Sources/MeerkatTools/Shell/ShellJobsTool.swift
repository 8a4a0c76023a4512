public import MeerkatCore
public import MeerkatJSON

/// Lists the background jobs of the session.
public struct ShellJobsTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        public init(from reader: inout JSONReader) throws(JSONError) {
            try reader.skip()
        }
    }

    public let definition = ToolDefinition(
        name: "shell_jobs", description: "Lists the background jobs of the shell, the ended ones for some minutes.",
        inputSchema: .schema([:]))

    let jobs: ShellJobs

    public var effect: ToolEffect { .pure }
    public var isPolling: Bool { true }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .json(jobs.all.map(ShellJobLine.init))
    }
}

/// A job in the list.
private struct ShellJobLine: JSONWritable {
    let job: ShellJob

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("id", job.id)
            writer.member("command", job.command)
            writer.member("status", job.status.name)
            writer.member("started_at_unix", job.started.seconds)
        }
    }
}
