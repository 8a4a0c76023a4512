public import MeerkatCore
public import MeerkatJSON

/// The error object of a JSON-RPC response.
public struct RPCError: Error, Sendable, Hashable {
    public var number: Int
    public var message: String
    /// The envelope; nil for the errors of JSON-RPC itself that have no code of ours.
    public var envelope: Envelope?

    public struct Envelope: Sendable, Hashable {
        public var code: ErrorCode
        public var details: JSONObject
        /// Names the capability that was asked for and is not there.
        public var capability: CapabilityID?
        public var session: SessionID?
        public var run: RunID?
    }

    public static func parseError(_ error: JSONError) -> RPCError {
        RPCError(number: -32700, message: "not JSON: \(error)")
    }

    public static func invalidRequest(_ message: String) -> RPCError {
        RPCError(number: -32600, message: "invalid request: \(message)")
    }

    public static func unknownMethod(_ name: String) -> RPCError {
        RPCError(number: -32601, message: "unknown method: \(name.quoted)")
    }

    public static func invalidParams(_ error: JSONError) -> RPCError {
        var details = JSONObject()
        if let field = error.path.first { details["field"] = .string(field.quoted) }
        return RPCError(.invalidParams, "invalid params: \("\(error)".quoted)", details: details)
    }

    public static func unavailable(_ capability: CapabilityID) -> RPCError {
        var error = RPCError(
            .capabilityUnavailable, "\(capability.rawValue) is not available in this build of rkat",
            details: JSONObject())
        error.envelope?.capability = capability
        return error
    }

    public init(number: Int, message: String) {
        self.number = number
        self.message = message
    }

    public init(_ code: ErrorCode, _ message: String, details: JSONObject) {
        number = ErrorTable.row(code).rpc
        self.message = message
        envelope = Envelope(code: code, details: details)
    }

    public init(_ error: SessionError) {
        let failure = error.failure
        self.init(failure.code, failure.message, details: failure.details)
        if case .unavailable(let feature) = error.cause { envelope?.capability = CapabilityID(rawValue: feature) }
        envelope?.session = error.session
        envelope?.run = error.run
    }
}

extension RPCError: JSONWritable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("code", number)
            writer.member("message", message)
            guard let envelope else { return }
            writer.member("data") { writer in
                writer.writeObject { writer in
                    writer.member("code", envelope.code.rawValue)
                    writer.member("category", ErrorTable.row(envelope.code).category)
                    writer.member("message", message)
                    if !envelope.details.isEmpty { writer.member("details", envelope.details) }
                    writer.member("session_id", envelope.session)
                    writer.member("run_id", envelope.run)
                    guard let capability = envelope.capability else { return }
                    writer.member("capability_hint") { writer in
                        writer.writeObject { writer in
                            writer.member("capability_id", capability.rawValue)
                            writer.member("message", message)
                        }
                    }
                }
            }
        }
    }
}
