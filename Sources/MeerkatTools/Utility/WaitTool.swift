public import MeerkatCore
public import MeerkatJSON

/// Pauses the turn; ends early when the run is interrupted.
public struct WaitTool: Tool {
    public struct Arguments: JSONReadable, Sendable {
        /// Seconds to pause.
        public var seconds: Double

        public init(from reader: inout JSONReader) throws(JSONError) {
            var seconds: Double?
            try reader.readObject { (reader, key) throws(JSONError) in
                if case "seconds" = key { seconds = try reader.read() }
            }
            self.seconds = try reader.require(seconds, "seconds")
        }
    }

    public let definition = ToolDefinition(
        name: "wait", description: "Pauses for the given number of seconds, at most 300.",
        inputSchema: .schema(["seconds": .number("How long to pause, in seconds", 0.1...300).required]))

    public init() {}

    public var effect: ToolEffect { .pure }
    public var limitsItself: Bool { true }
    public var isPolling: Bool { true }

    public func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let seconds = min(max(arguments.seconds, 0), 300)
        do throws(CancellationError) {
            try await context.clock.sleep(for: .milliseconds(Int64(clamping: (seconds * 1000).rounded())))
        } catch {
            throw .interrupted("the wait was interrupted")
        }
        let result: JSONObject = ["waited_seconds": JSONNumber(seconds).map { .number($0) } ?? 0, "status": "complete"]
        return .json(result)
    }
}
