public import MeerkatCore
public import MeerkatJSON

/// `session/history`: the messages of a session, oldest first, a page at a time.
public enum SessionHistory: RPCMethod {
    public static let name = "session/history"

    public struct Params: JSONReadable, Sendable {
        public var session: SessionID
        /// Only messages with a greater `seq`.
        public var cursor: Int
        public var limit: Int

        public init(from reader: inout JSONReader) throws(JSONError) {
            var session: SessionID?
            var cursor = 0
            var limit = 100
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "session_id": session = try reader.read()
                case "cursor":
                    cursor = try reader.readOptional() ?? 0
                    guard cursor >= 0 else { throw JSONError(.numberOutOfRange, offset: reader.position) }
                case "limit":
                    limit = try reader.readOptional() ?? 100
                    guard (1...500).contains(limit) else {
                        throw JSONError(.invalidValue("must be from 1 to 500"), offset: reader.position)
                    }
                default: break
                }
            }
            self.session = try reader.require(session, "session_id")
            self.cursor = cursor
            self.limit = limit
        }
    }

    public struct Result: JSONWritable, Sendable {
        public var session: SessionID
        public var page: HistoryPage

        public init(session: SessionID, page: HistoryPage) {
            self.session = session
            self.page = page
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("session_id", session)
                writer.member("messages") { writer in
                    writer.writeArray { writer in
                        for message in page.messages { writer.element { message.write(to: &$0) } }
                    }
                }
                writer.member("next_cursor", page.nextCursor)
            }
        }
    }
}

extension HistoryMessage {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("seq", seq)
            writer.member("at", at)
            writer.member("run_id", run)
            switch content {
            case .user(let blocks, let origin):
                writer.member("role", "user")
                writer.member("origin", origin)
                writer.member("content", blocks.joinedText)
                if blocks.contains(where: { $0.image != nil }) {
                    writer.member("blocks") { writer in
                        writer.writeArray { writer in
                            for block in blocks { writer.element { block.writeMessageBlock(to: &$0) } }
                        }
                    }
                }
            case .answer(let blocks, let stopReason):
                writer.member("role", "block_assistant")
                writer.member("blocks") { writer in
                    writer.writeArray { writer in
                        for block in blocks { writer.element { block.writeMessageBlock(to: &$0) } }
                    }
                }
                writer.member("stop_reason", stopReason)
            case .toolResult(let result):
                writer.member("role", "tool_results")
                writer.member("results") { writer in
                    writer.writeArray { writer in
                        writer.element { writer in
                            writer.writeObject { writer in
                                writer.member("tool_use_id", result.toolUseID)
                                writer.member("content", result.content.joinedText)
                                writer.member("is_error", result.isError)
                                writer.member("origin", result.origin.text)
                            }
                        }
                    }
                }
                // A closing result that stands in no entry yet.
                if seq == nil { writer.member("computed", true) }
            }
        }
    }
}

extension Block {
    /// The block as histories show it: adjacently tagged, provider-private data and the bytes of pictures left out.
    fileprivate func writeMessageBlock(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            switch self {
            case .text(let text):
                writer.member("block_type", "text")
                writer.member("data") { $0.writeObject { $0.member("text", text) } }
            case .image(let image):
                writer.member("block_type", "image")
                writer.member("data") { writer in
                    writer.writeObject { writer in
                        writer.member("media_type", image.mediaType.rawValue)
                        writer.member("width", image.width)
                        writer.member("height", image.height)
                    }
                }
            case .reasoning(let text, _):
                writer.member("block_type", "reasoning")
                writer.member("data") { $0.writeObject { $0.member("text", text) } }
            case .toolUse(let toolUse):
                writer.member("block_type", "tool_use")
                writer.member("data") { writer in
                    writer.writeObject { writer in
                        writer.member("id", toolUse.id)
                        writer.member("name", toolUse.name)
                        writer.member("args", toolUse.arguments ?? RawJSON(encoding: toolUse.malformedArguments ?? ""))
                    }
                }
            case .opaque(let data):
                writer.member("block_type", "provider")
                writer.member("data", data.json)
            }
        }
    }
}
