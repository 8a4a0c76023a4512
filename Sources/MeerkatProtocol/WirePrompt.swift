public import MeerkatCore
public import MeerkatJSON

/// What is said to a session: a text, or a list of texts and pictures.
///
/// A picture is `{"type":"image","source":SOURCE}`, where the source is `{"type":"base64","data":…}` with the bytes of a
/// file, or `{"type":"file","path":…}` with the absolute path of one on the machine of rkat.
public struct WirePrompt: JSONReadable, Sendable, Hashable {
    public enum Part: Sendable, Hashable {
        case block(Block)
        /// A picture in a file.
        case file(path: String)
    }

    public var parts: [Part]

    public init(_ text: String) {
        parts = [.block(.text(text))]
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        guard try reader.peek() == .array else {
            parts = [.block(.text(try reader.readString()))]
            return
        }
        parts = try reader.read([Part].self)
        guard !parts.isEmpty else { throw JSONError(.invalidValue("must not be empty"), offset: reader.position) }
    }

    /// Whether it says nothing.
    public var isEmpty: Bool { parts == [.block(.text(""))] }

    /// Whether it names files, which have to be read.
    public var hasFiles: Bool {
        parts.contains { if case .file = $0 { true } else { false } }
    }

    /// The blocks, with pictures from the files that `read` gives so many bytes of.
    ///
    /// - Throws: ``SessionError/Cause/invalidOption(field:message:)`` for a file that is no picture.
    public func blocks(reading read: (_ path: String, _ limit: Int) -> [UInt8]?) throws(SessionError) -> [Block] {
        func refuse(_ path: String, _ why: String) -> SessionError {
            SessionError(.invalidOption(field: "prompt", message: "\"\(path.quoted)\" \(why)"))
        }
        var blocks: [Block] = []
        for part in parts {
            switch part {
            case .block(let block): blocks.append(block)
            case .file(let path):
                guard let bytes = read(path, Image.maxBytes + 1) else {
                    throw refuse(path, "is no file that can be read")
                }
                do throws(ImageError) {
                    blocks.append(.image(try Image(file: bytes)))
                } catch {
                    throw refuse(path, error.description)
                }
            }
        }
        return blocks
    }
}

extension WirePrompt.Part: JSONReadable {
    public init(from reader: inout JSONReader) throws(JSONError) {
        var type: String?
        var text: String?
        var source: Source?
        let start = reader.position
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "type": type = try reader.readString()
            case "text": text = try reader.readString()
            case "source": source = try reader.read()
            default: break
            }
        }
        switch try reader.require(type, "type") {
        case "text": self = .block(.text(try reader.require(text, "text")))
        case "image": self = try reader.require(source, "source").part
        case let other:
            throw JSONError(
                .invalidValue("a part of a prompt is \"text\" or \"image\", not \"\(other.quoted)\""), offset: start)
        }
    }

    private struct Source: JSONReadable {
        var part: WirePrompt.Part

        init(from reader: inout JSONReader) throws(JSONError) {
            var type: String?
            var data: String?
            var path: String?
            var mediaType: String?
            let start = reader.position
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "type": type = try reader.readString()
                case "data": data = try reader.readString()
                case "path": path = try reader.readString()
                case "media_type": mediaType = try reader.readOptional()
                default: break
                }
            }
            switch try reader.require(type, "type") {
            case "base64":
                let image = try Self.image(try reader.require(data, "data"), at: start)
                guard mediaType == nil || mediaType == image.mediaType.rawValue else {
                    throw JSONError(
                        .invalidValue("the picture is \(image.mediaType.rawValue), not what media_type says"),
                        offset: start)
                }
                part = .block(.image(image))
            case "file":
                let path = try reader.require(path, "path")
                guard path.hasPrefix("/") else {
                    throw JSONError(.invalidValue("must be an absolute path"), offset: start, path: ["path"])
                }
                part = .file(path: path)
            case let other:
                throw JSONError(
                    .invalidValue("a source is \"base64\" or \"file\", not \"\(other.quoted)\""), offset: start)
            }
        }

        private static func image(_ data: String, at offset: Int) throws(JSONError) -> Image {
            do throws(ImageError) {
                return try Image(base64: data)
            } catch {
                throw JSONError(.invalidValue("the picture \(error)"), offset: offset, path: ["data"])
            }
        }
    }
}
