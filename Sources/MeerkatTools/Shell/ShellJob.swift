internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A command in the background, as its status shows it.
struct ShellJob: Sendable, JSONWritable {
    enum Status: Sendable {
        case running
        case completed(ShellResult)
        case failed(error: String, seconds: Double)
        case timedOut(ShellResult)
        case cancelled(seconds: Double)

        /// As the wire names it.
        var name: String {
            switch self {
            case .running: "running"
            case .completed: "completed"
            case .failed: "failed"
            case .timedOut: "timed_out"
            case .cancelled: "cancelled"
            }
        }

        var isRunning: Bool { if case .running = self { true } else { false } }
    }

    let id: String
    let command: String
    /// As the model asked for it.
    let workingDirectory: String?
    let timeoutSeconds: Int
    let started: Timestamp
    var status = Status.running

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("id", id)
            writer.member("command", command)
            writer.member("working_dir", workingDirectory.map { JSONValue.string($0) } ?? .null)
            writer.member("timeout_secs", timeoutSeconds)
            writer.member("started_at_unix", started.seconds)
            writer.member("status") { writeStatus(to: &$0) }
        }
    }

    /// - Parameters:
    ///   - writer: takes an object that is tagged by its own `status`.
    ///   - limit: most characters of each output, from its end; nil for all that was kept.
    func writeStatus(to writer: inout JSONWriter, limit: Int? = nil) {
        writer.writeObject { writer in
            writer.member("status", status.name)
            switch status {
            case .running: writer.member("started_at_unix", started.seconds)
            case .completed(let result):
                result.writeExitCode(to: &writer)
                Self.writeOutput(of: result, limit, to: &writer)
            case .timedOut(let result): Self.writeOutput(of: result, limit, to: &writer)
            case .failed(let error, let seconds):
                writer.member("error", error)
                writer.member("duration_secs", seconds)
            case .cancelled(let seconds): writer.member("duration_secs", seconds)
            }
        }
    }

    private static func writeOutput(of result: ShellResult, _ limit: Int?, to writer: inout JSONWriter) {
        writer.member("stdout", shorten(result.standardOutput.text, limit))
        writer.member("stderr", shorten(result.standardError.text, limit))
        writer.member("duration_secs", result.seconds)
        result.writeAdditions(to: &writer)
    }

    private static func shorten(_ text: String, _ limit: Int?) -> String {
        guard let limit, text.unicodeScalars.count > limit else { return text }
        let end = text.unicodeScalars.suffix(limit)
        return
            "[… \(text.unicodeScalars.count - limit) characters before; shell_job_status tells all …]\n\(String(end))"
    }

    /// What the conversation is told when the job has ended: the completion event, with the ends of the outputs.
    var notice: String {
        var writer = JSONWriter()
        writer.writeObject { writer in
            writer.member("type", "shell_job_completed")
            writer.member("job_id", id)
            writer.member("command", command)
            writer.member("result") { writeStatus(to: &$0, limit: 2000) }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
