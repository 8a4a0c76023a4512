internal import MeerkatCore
internal import MeerkatJSON

/// A tool that leaves a line when it starts and one when it ends, and takes as long as it is told.
struct RecordingTool: Tool {
    struct Arguments: JSONReadable, Sendable {
        /// Comes back in the result.
        var key: String
        var milliseconds: Int

        init(from reader: inout JSONReader) throws(JSONError) {
            var key: String?
            var milliseconds = 0
            try reader.readObject { (reader, name) throws(JSONError) in
                switch name {
                case "key": key = try reader.readString()
                case "duration_ms": milliseconds = try reader.readInteger()
                default: break
                }
            }
            self.key = try reader.require(key, "key")
            self.milliseconds = milliseconds
        }
    }

    static let all = [ToolEffect.pure, .idempotent, .once].map { RecordingTool(effect: $0) }

    let effect: ToolEffect

    var name: String { "chaos_\(effect.rawValue)" }

    var definition: ToolDefinition {
        ToolDefinition(
            name: name, description: "Records that it was called.",
            inputSchema: .schema([
                "key": .string("Comes back in the result").required,
                "duration_ms": .integer("How long the call takes").required,
            ]))
    }

    func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        Record.start(tool: name, effect: effect, key: arguments.key, context).write()
        if arguments.milliseconds > 0 {
            do throws(CancellationError) {
                try await context.clock.sleep(for: .milliseconds(arguments.milliseconds))
            } catch {
                throw .interrupted("cancelled")
            }
        }
        Record.end(context).write()
        return .text("\(name) \(arguments.key) is done")
    }
}
