public import MeerkatJSON

/// Why the configuration cannot be read, or why a change of it was not made.
///
/// No case carries a value of the configuration: values may be keys.
public struct ConfigError: Error, Sendable, Hashable {
    /// Where the fault is.
    public enum Origin: Sendable, Hashable {
        /// In what a caller gave.
        case request
        /// In a file, or in the way to it.
        case file(String)
    }

    public enum Reason: Sendable, Hashable {
        /// The text is not TOML.
        case syntax(String)
        case wrongType(expected: String)
        /// The value has the right type and is refused.
        case invalid(String)
        /// An object that is to become the configuration has none of its keys.
        case noKnownKey
        case unreadable(String)
        case unwritable(String)
        /// Another process has kept the files to itself for too long.
        case locked
        /// There is neither a project nor a home directory to write to.
        case noPlace
    }

    /// A place in a file; line and column count from 1, the column in characters.
    public struct Position: Sendable, Hashable {
        public var line: Int
        public var column: Int

        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    public var reason: Reason
    public var key: ConfigPath
    public var origin: Origin
    public var position: Position?

    public init(
        _ reason: Reason, key: ConfigPath = [], origin: Origin = .request, position: Position? = nil
    ) {
        self.reason = reason
        self.key = key
        self.origin = origin
        self.position = position
    }

    /// The same error, seen from the table that holds the faulty value under `name`.
    func inside(_ name: String) -> ConfigError {
        var outer = self
        outer.key.names.insert(name, at: 0)
        return outer
    }

    /// A caller's mistake and a fault of a file differ on every surface.
    public var code: ErrorCode {
        switch origin {
        case .request: .invalidParams
        case .file: .internalError
        }
    }
}

extension ConfigError {
    /// Key and file, as far as they are known.
    public var details: JSONObject {
        var details = JSONObject()
        if !key.names.isEmpty { details["field"] = .string("\(key)") }
        if case .file(let path) = origin { details["file"] = .string(path) }
        return details
    }
}

extension ConfigError: CustomStringConvertible {
    /// File, line and column, key, reason: whatever of these is known.
    public var description: String {
        var parts: [String] = []
        if case .file(let path) = origin {
            parts.append(position.map { "\(path):\($0.line):\($0.column)" } ?? path)
        }
        if !key.names.isEmpty { parts.append("\(key)") }
        parts.append(what)
        return parts.joined(separator: ": ")
    }

    private var what: String {
        switch reason {
        case .syntax(let text), .invalid(let text): text
        case .wrongType(let expected): "expected \(expected)"
        case .noKnownKey: "none of the members is a configuration key"
        case .unreadable(let text): "cannot be read: \(text)"
        case .unwritable(let text): "cannot be written: \(text)"
        case .locked: "another process has been changing it for too long; try again when that process has ended"
        case .noPlace: "there is no project and no home directory to write to"
        }
    }
}
