public import MeerkatCore
public import MeerkatJSON

/// How an error code appears on each surface.
public struct ErrorTable {
    public struct Row: Sendable, Hashable {
        public let code: ErrorCode
        /// The number in a JSON-RPC error object.
        public let rpc: Int
        public let http: Int
        /// The exit status of a command.
        public let exit: Int
        public let category: String
    }

    /// The row of a code.
    public static func row(_ code: ErrorCode) -> Row {
        switch code {
        case .sessionNotFound: Row(code: code, rpc: -32001, http: 404, exit: 10, category: "session")
        case .sessionBusy: Row(code: code, rpc: -32002, http: 409, exit: 11, category: "session")
        case .sessionNotRunning: Row(code: code, rpc: -32003, http: 409, exit: 12, category: "session")
        case .providerError: Row(code: code, rpc: -32010, http: 502, exit: 20, category: "provider")
        case .budgetExhausted: Row(code: code, rpc: -32011, http: 429, exit: 21, category: "budget")
        case .hookDenied: Row(code: code, rpc: -32012, http: 403, exit: 22, category: "hook")
        case .agentError: Row(code: code, rpc: -32013, http: 500, exit: 30, category: "agent")
        case .capabilityUnavailable: Row(code: code, rpc: -32020, http: 501, exit: 40, category: "capability")
        case .skillNotFound: Row(code: code, rpc: -32021, http: 404, exit: 41, category: "skill")
        case .skillResolutionFailed: Row(code: code, rpc: -32022, http: 422, exit: 42, category: "skill")
        case .invalidParams: Row(code: code, rpc: -32602, http: 400, exit: 2, category: "validation")
        case .internalError: Row(code: code, rpc: -32603, http: 500, exit: 1, category: "internal")
        }
    }

    public static var rows: [Row] { ErrorCode.allCases.map(row) }
}

extension ErrorTable.Row: JSONWritable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("code", code.rawValue)
            writer.member("rpc", rpc)
            writer.member("http", http)
            writer.member("exit", exit)
            writer.member("category", category)
        }
    }
}
