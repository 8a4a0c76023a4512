public import MeerkatJSON

/// What may happen when a call is made again after a crash.
public enum ToolEffect: String, Sendable, Hashable {
    /// Reads only.
    case pure
    /// Doing it twice is the same as doing it once.
    case idempotent
    /// Must not be started twice.
    case once
}

/// Something a model can ask for.
///
/// The arguments are a type of its own that reads itself from JSON; a tool whose schema is only known at run time takes
/// ``RawJSON``. Before a call the arguments are checked against the schema of the definition, so that a tool only has
/// to refuse what a schema cannot say.
public protocol Tool: Sendable {
    associatedtype Arguments: JSONReadable & Sendable

    var definition: ToolDefinition { get }
    /// What may happen to a call that was started when the process died; ``ToolEffect/once`` unless said otherwise.
    var effect: ToolEffect { get }
    /// Whether the tool ends a call in time by itself, so that a shorter limit is set on it only by its name.
    var limitsItself: Bool { get }
    /// Whether the same call again and again with the same result is what the tool is for.
    var isPolling: Bool { get }

    /// Runs one call.
    ///
    /// Ends promptly when its task is cancelled, whatever it throws then. Runs beside other calls, and must not block
    /// its thread for more than a moment.
    func call(_ arguments: Arguments, in context: ToolContext) async throws(ToolError) -> ToolOutput
}

extension Tool {
    public var effect: ToolEffect { .once }
    public var limitsItself: Bool { false }
    public var isPolling: Bool { false }

    /// Runs a call whose arguments have not been read yet.
    public func call(json arguments: RawJSON, in context: ToolContext) async throws(ToolError) -> ToolOutput {
        let decoded: Arguments
        do throws(JSONError) {
            decoded = try Arguments(json: arguments.bytes)
        } catch {
            throw .invalidArguments("\(error)")
        }
        return try await call(decoded, in: context)
    }
}

/// What a tool came to, as the model gets it.
public struct ToolOutput: Sendable, Hashable {
    public var content: [Block]
    /// What two results are compared by to see whether calling again was of use; nil compares the content.
    public var essence: String?

    public init(_ content: [Block], essence: String? = nil) {
        self.content = content
        self.essence = essence
    }

    public static func text(_ text: String) -> ToolOutput { ToolOutput([.text(text)]) }

    /// The value as compact JSON text.
    public static func json(_ value: some JSONWritable) -> ToolOutput {
        .text(String(decoding: value.jsonBytes, as: UTF8.self))
    }
}
