public import MeerkatJSON

/// A picture in a file format that models read.
///
/// It is kept as base64, the form in which all providers want it.
public struct Image: Sendable, Hashable {
    /// The file formats that providers read.
    public enum MediaType: String, Sendable, Hashable, CaseIterable {
        case png = "image/png"
        case jpeg = "image/jpeg"
        case gif = "image/gif"
        case webp = "image/webp"
    }

    /// Largest file, in bytes.
    public static let maxBytes = 20 << 20
    /// Longest side, in pixels.
    public static let maxSide = 8000

    public let mediaType: MediaType
    public let base64: String
    /// In pixels.
    public let width: Int
    public let height: Int

    /// Takes the content of a file; its first bytes tell the format.
    ///
    /// - Throws: ``ImageError`` when it is no picture in a known format, or is too large.
    public init(file bytes: [UInt8]) throws(ImageError) {
        try self.init(bytes, base64: Base64.encode(bytes))
    }

    /// Takes the content of a file as base64.
    ///
    /// - Throws: ``ImageError`` when it is no base64 of a picture in a known format, or is too large.
    public init(base64: String) throws(ImageError) {
        guard base64.utf8.count <= (Self.maxBytes + 2) / 3 * 4 else { throw .tooManyBytes(base64.utf8.count / 4 * 3) }
        guard let bytes = Base64.decode(base64) else { throw .notBase64 }
        try self.init(bytes, base64: base64)
    }

    private init(_ bytes: [UInt8], base64: String) throws(ImageError) {
        guard bytes.count <= Self.maxBytes else { throw .tooManyBytes(bytes.count) }
        guard let header = ImageHeader(bytes) else { throw .unknownFormat }
        guard header.width > 0, header.height > 0 else { throw .unknownFormat }
        guard max(header.width, header.height) <= Self.maxSide else {
            throw .tooManyPixels(width: header.width, height: header.height)
        }
        self.init(header.mediaType, base64: base64, width: header.width, height: header.height)
    }

    init(_ mediaType: MediaType, base64: String, width: Int, height: Int) {
        self.mediaType = mediaType
        self.base64 = base64
        self.width = width
        self.height = height
    }

    /// The size of the file, in bytes.
    public var byteCount: Int { base64.utf8.count / 4 * 3 - base64.utf8.suffix(2).count { $0 == UInt8(ascii: "=") } }

    /// The most tokens that a provider is known to count for it.
    ///
    /// No provider counts more for a picture than OpenAI for the smallest of its models: a fixed number and one for each
    /// square of 512 pixels, of which there are at most 8.
    /// Source: <https://platform.openai.com/docs/guides/images-vision#calculating-costs>
    public var tokenBound: Int {
        // A stored size may be any number.
        func squares(_ side: Int) -> Int { (min(max(side, 0), Self.maxSide) + 511) / 512 }
        return 2833 + 5667 * min(8, squares(width) * squares(height))
    }

    /// The picture as a URL that holds it.
    public var dataURL: String { "data:\(mediaType.rawValue);base64,\(base64)" }

    /// What is told of the picture where it cannot be shown.
    public var label: String { "[\(mediaType.rawValue), \(width)×\(height)]" }
}

/// Why something is no picture that models can be shown.
public enum ImageError: Error, Sendable, Hashable, CustomStringConvertible {
    case notBase64
    case unknownFormat
    case tooManyBytes(Int)
    case tooManyPixels(width: Int, height: Int)

    public var description: String {
        switch self {
        case .notBase64: "is not base64"
        case .unknownFormat: "is no PNG, JPEG, GIF or WebP picture"
        case .tooManyBytes(let count): "has \(count) bytes; at most \(Image.maxBytes) are allowed"
        case .tooManyPixels(let width, let height):
            "is \(width)×\(height) pixels; at most \(Image.maxSide) a side are allowed"
        }
    }
}

/// Format and size of a picture, as its file says them.
///
/// Sources: PNG (RFC 2083 §11.2), JPEG (ITU-T T.81 §B.2.2), GIF89a §18, WebP (RFC 9649 §2).
struct ImageHeader: Sendable, Hashable {
    var mediaType: Image.MediaType
    var width: Int
    var height: Int

    /// Nil when the bytes begin none of the formats or end before the size.
    init?(_ bytes: [UInt8]) {
        func begins(_ text: StaticString, at start: Int = 0) -> Bool {
            text.withUTF8Buffer { bytes.dropFirst(start).starts(with: $0) }
        }
        func little(_ start: Int, _ count: Int) -> Int {
            (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[start + $1]) }
        }
        func big(_ start: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 << 8 | Int(bytes[start + $1]) } }

        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            guard bytes.count >= 24, begins("IHDR", at: 12) else { return nil }
            (mediaType, width, height) = (.png, big(16, 4), big(20, 4))
        } else if begins("GIF87a") || begins("GIF89a") {
            guard bytes.count >= 10 else { return nil }
            (mediaType, width, height) = (.gif, little(6, 2), little(8, 2))
        } else if begins("RIFF"), begins("WEBP", at: 8) {
            guard bytes.count >= 30 else { return nil }
            mediaType = .webp
            if begins("VP8 ", at: 12) {
                (width, height) = (little(26, 2) & 0x3FFF, little(28, 2) & 0x3FFF)
            } else if begins("VP8L", at: 12) {
                let bits = little(21, 4)
                (width, height) = (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
            } else if begins("VP8X", at: 12) {
                (width, height) = (little(24, 3) + 1, little(27, 3) + 1)
            } else {
                return nil
            }
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            var at = 2
            while true {
                while at < bytes.count, bytes[at] == 0xFF, at + 1 < bytes.count, bytes[at + 1] == 0xFF { at += 1 }
                guard at + 9 <= bytes.count, bytes[at] == 0xFF else { return nil }
                let marker = bytes[at + 1]
                // A start of frame, whatever its kind; the four others of this range are tables.
                if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                    (mediaType, width, height) = (.jpeg, big(at + 7, 2), big(at + 5, 2))
                    return
                }
                guard marker != 0xDA, marker != 0xD9 else { return nil }
                at += 2 + big(at + 2, 2)
            }
        } else {
            return nil
        }
    }
}

extension Image: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writeMembers(to: &$0) }
    }

    func writeMembers(to writer: inout JSONWriter) {
        writer.member("media_type", mediaType.rawValue)
        writer.member("width", width)
        writer.member("height", height)
        writer.member("base64", base64)
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var parts = Parts()
        try reader.readObject { (reader, key) throws(JSONError) in _ = try parts.read(key, from: &reader) }
        self = try parts.image(&reader)
    }

    /// The members while they are read.
    struct Parts {
        private var mediaType: MediaType?
        private var base64: String?
        private var width = 0
        private var height = 0

        mutating func read(_ key: JSONKey, from reader: inout JSONReader) throws(JSONError) -> Bool {
            switch key {
            case "media_type": mediaType = MediaType(rawValue: try reader.readString())
            case "base64": base64 = try reader.readString()
            case "width": width = try reader.readInteger()
            case "height": height = try reader.readInteger()
            default: return false
            }
            return true
        }

        func image(_ reader: inout JSONReader) throws(JSONError) -> Image {
            Image(
                try reader.require(mediaType, "media_type"), base64: try reader.require(base64, "base64"),
                width: width, height: height)
        }
    }
}
