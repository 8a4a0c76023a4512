public import MeerkatCore
internal import MeerkatJSON

/// Tells how a background job is doing, and its output when it has ended.
public struct ShellJobStatusTool: Tool {
    public let definition = ToolDefinition(
        name: "shell_job_status",
        description: "Tells the status of a background job, and its output when it has ended.",
        inputSchema: .schema(["job_id": .string("What shell returned").required]))

    let jobs: ShellJobs

    public var effect: ToolEffect { .pure }
    public var isPolling: Bool { true }

    public func call(_ arguments: ShellJobArguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        .json(try jobs.job(arguments.jobID))
    }
}
