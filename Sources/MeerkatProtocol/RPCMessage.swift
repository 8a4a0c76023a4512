internal import MeerkatCore
public import MeerkatJSON

/// The id of a request: an integer or a string, echoed with its type.
public enum RPCID: Sendable, Hashable, JSONWritable {
    case number(Int64)
    case string(String)

    /// The id for traces, cut when it is long.
    public var text: String {
        switch self {
        case .number(let number): String(number)
        case .string(let string): string.quoted
        }
    }

    public func write(to writer: inout JSONWriter) {
        switch self {
        case .number(let number): writer.writeInteger(number)
        case .string(let string): writer.writeString(string)
        }
    }
}

/// One line of the connection.
public enum RPCMessage: Sendable {
    case request(id: RPCID, method: String, params: RawJSON?)
    case notification(method: String, params: RawJSON?)
    /// An answer to a request of this side.
    case response(id: RPCID, Result<RawJSON, RPCError>)

    /// Why a line is no message, and the id to answer with.
    public struct Refusal: Error, Sendable {
        public var id: RPCID?
        public var error: RPCError
    }

    /// Reads one line.
    public init(_ line: UnsafeRawBufferPointer) throws(Refusal) {
        var members = Members()
        do throws(JSONError) {
            try JSONReader.read(line) { (reader) throws(JSONError) in try members.read(from: &reader) }
        } catch {
            throw Refusal(id: nil, error: .parseError(error))
        }
        self = try members.message()
    }

    /// What was found; nothing is refused before the whole line is known to be JSON.
    private struct Members {
        var isObject = true
        var isArray = false
        var hasVersion = false
        var id: RPCID?
        var hasOddID = false
        var method: String?
        var params: RawJSON?
        var result: RawJSON?
        var error: JSONValue?

        mutating func read(from reader: inout JSONReader) throws(JSONError) {
            let kind = try reader.peek()
            guard kind == .object else {
                isObject = false
                isArray = kind == .array
                return try reader.skip()
            }
            var found = self
            try reader.readObject { (reader, key) throws(JSONError) in
                let kind = try reader.peek()
                switch key {
                case "jsonrpc": found.hasVersion = kind == .string
                case "id": try found.readID(kind, from: &reader)
                case "method": if kind == .string { found.method = try reader.readString() }
                case "params": if kind != .null { found.params = try reader.readRaw() }
                case "result": found.result = try reader.readRaw()
                case "error": found.error = try JSONValue(from: &reader)
                default: break
                }
            }
            self = found
        }

        private mutating func readID(_ kind: JSONReader.Kind, from reader: inout JSONReader) throws(JSONError) {
            switch kind {
            case .null: break
            case .string: id = .string(try reader.readString())
            case .number:
                if let number = Int64(try reader.readNumber().text) { id = .number(number) } else { hasOddID = true }
            default: hasOddID = true
            }
        }

        func message() throws(Refusal) -> RPCMessage {
            guard isObject else {
                throw Refusal(
                    id: nil, error: .invalidRequest(isArray ? "batches are not supported" : "not an object"))
            }
            guard !hasOddID else { throw refusal("id must be a string or a whole number") }
            guard hasVersion else { throw refusal("jsonrpc is missing") }
            if let method {
                guard let id else { return .notification(method: method, params: params) }
                return .request(id: id, method: method, params: params)
            }
            if let id, let result { return .response(id: id, .success(result)) }
            if let id, let error {
                return .response(
                    id: id,
                    .failure(RPCError(number: error["code"]?.int ?? 0, message: error["message"]?.string ?? "")))
            }
            throw refusal("method is missing")
        }

        private func refusal(_ message: String) -> Refusal {
            Refusal(id: id, error: .invalidRequest(message))
        }
    }
}
