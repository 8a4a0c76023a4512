internal import MeerkatCore
internal import MeerkatIO

extension Blocking {
    /// Runs the blocking work of a tool.
    ///
    /// - Throws: What `body` throws; ``ToolError/executionFailed(_:)`` when the system refuses a thread for it.
    static func runTool<T: Sendable>(
        _ body: @Sendable () throws(ToolError) -> T
    ) async throws(ToolError) -> T {
        try await run(orThrow: { .executionFailed($0.message) }, body)
    }
}
