public import MeerkatJSON

/// How far the commands of the shell are confined on this system with the settings of now.
public struct SandboxStatus: Sendable, Hashable, JSONWritable {
    /// `auto`, `required` or `off`.
    public var mode: String
    /// Names of promises that are kept.
    public var enforced: [String]
    /// Names of promises that the system cannot keep; with `required`, no command runs when there are any.
    public var missing: [String]

    public init(mode: String, enforced: [String], missing: [String]) {
        self.mode = mode
        self.enforced = enforced
        self.missing = missing
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("mode", mode)
            writer.member("enforced", enforced)
            writer.member("missing", missing)
        }
    }
}
