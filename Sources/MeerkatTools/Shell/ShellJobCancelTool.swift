public import MeerkatCore
internal import MeerkatJSON

/// Ends a background job with all its processes.
public struct ShellJobCancelTool: Tool {
    public let definition = ToolDefinition(
        name: "shell_job_cancel", description: "Ends a background job with all its processes.",
        inputSchema: .schema(["job_id": .string("What shell returned").required]))

    let jobs: ShellJobs

    public var effect: ToolEffect { .idempotent }

    public func call(_ arguments: ShellJobArguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        try jobs.cancel(arguments.jobID)
        let result: JSONObject = ["job_id": .string(arguments.jobID), "status": "cancelled"]
        return .json(result)
    }
}
