internal import Meerkat
internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// A line for the program that watches.
enum Record: JSONWritable {
    case start(tool: String, effect: ToolEffect, key: String, ToolContext)
    case end(ToolContext)
    case request(ShownHistory)
    /// The model is asked for something that a kill is to hit.
    case asked(Occasion)
    case violation(String)

    /// What the watching program calls this process.
    private static let life = MeerkatRuntime.Options.process.environment["CHAOS_LIFE"] ?? ""

    enum Occasion: String {
        case summary
        case extraction
        /// A call that fails, so that a fallback model is asked.
        case failure
    }

    /// Writes the line at once and whole.
    func write() {
        _ = Descriptors.write(jsonBytes + [UInt8(ascii: "\n")], to: Descriptors.standardError)
    }

    func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            switch self {
            case .start(let tool, let effect, let key, let context):
                writer.member("start", context.toolUseID)
                writer.member("tool", tool)
                writer.member("effect", effect.rawValue)
                writer.member("key", key)
                writer.member("session", context.session)
                writer.member("run", context.run)
                writer.member("life", Self.life)
            case .end(let context):
                writer.member("end", context.toolUseID)
            case .request(let history):
                writer.member("request", history.chain.last.map { String($0, radix: 16) } ?? "")
                writer.member("label", history.label ?? "")
                writer.member("summary", history.summary ?? "")
                writer.member("items", history.chain.map { String($0, radix: 16) })
                writer.member("results") { writer in
                    writer.writeArray { writer in
                        for result in history.lastResults { writer.element([result.id, result.content]) }
                    }
                }
            case .asked(let occasion):
                writer.member("asked", occasion.rawValue)
            case .violation(let text):
                writer.member("violation", text)
            }
        }
    }
}
