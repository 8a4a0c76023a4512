public import MeerkatJSON

/// `initialize`: the handshake.
///
/// It is not enforced and may be repeated.
public enum Initialize: RPCMethod {
    public static let name = "initialize"

    /// What a client may say of itself; everything else is ignored.
    public struct Params: JSONReadable, Sendable {
        /// The client obeys `discard_text` of a `retrying` event.
        public var discardsText = false

        public init() {}

        public init(from reader: inout JSONReader) throws(JSONError) {
            var discardsText = false
            guard try reader.peek() == .object else {
                try reader.skip()
                return
            }
            try reader.readObject { (reader, key) throws(JSONError) in
                guard case "client" = key, try reader.peek() == .object else { return }
                try reader.readObject { (reader, key) throws(JSONError) in
                    guard case "discard_text" = key, try reader.peek() == .boolean else { return }
                    discardsText = try reader.readBool()
                }
            }
            self.discardsText = discardsText
        }
    }

    public struct Result: JSONWritable, Sendable {
        public var methods: [String]

        public init(methods: [String]) {
            self.methods = methods
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("server_info") { writer in
                    writer.writeObject { writer in
                        writer.member("name", ContractVersion.serverName)
                        writer.member("version", ContractVersion.package)
                    }
                }
                writer.member("contract_version", ContractVersion.text)
                writer.member("methods", methods)
            }
        }
    }
}
