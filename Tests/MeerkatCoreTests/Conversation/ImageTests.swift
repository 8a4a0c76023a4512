import MeerkatJSON
import Testing

@testable import MeerkatCore

@Suite struct ImageTests {
    private static let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [0, 0, 1, 0, 0, 0, 0, 32]
    private static let gif: [UInt8] = Array("GIF89a".utf8) + [0x40, 0x01, 0xF0, 0x00]
    /// A table stands before the start of frame; fill bytes stand before a marker.
    private static let jpeg: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, 0xFF, 0xC4, 0, 3, 9, 0xFF, 0xC2, 0, 11, 8, 0, 64, 0, 128, 3]
    private static let lossyWebP: [UInt8] =
        Array("RIFF....WEBPVP8 ....".utf8) + [0, 0, 0, 0x9D, 0x01, 0x2A, 100, 0, 50, 0]
    private static let losslessWebP: [UInt8] =
        Array("RIFF....WEBPVP8L....".utf8) + [0x2F, 99, 0x40, 0x0C, 0, 0, 0, 0, 0, 0]
    private static let extendedWebP: [UInt8] =
        Array("RIFF....WEBPVP8X....".utf8) + [0, 0, 0, 0, 99, 0, 0, 49, 0, 0]

    @Test(arguments: [
        (png, Image.MediaType.png, 256, 32), (gif, .gif, 320, 240), (jpeg, .jpeg, 128, 64),
        (lossyWebP, .webp, 100, 50), (losslessWebP, .webp, 100, 50), (extendedWebP, .webp, 100, 50),
    ])
    func theFileTellsFormatAndSize(_ file: [UInt8], _ mediaType: Image.MediaType, _ width: Int, _ height: Int) throws {
        let image = try Image(file: file)
        #expect(image == Image(mediaType, base64: Base64.encode(file), width: width, height: height))
        #expect(image.byteCount == file.count)
        #expect(try Image(base64: image.base64) == image)
        for count in 0..<file.count {
            let cut = Array(file.prefix(count))
            // What is cut within the size is no picture; the size may end before the file does.
            guard let shorter = try? Image(file: cut) else { continue }
            #expect((shorter.width, shorter.height) == (width, height))
        }
    }

    @Test func blocksRoundTrip() throws {
        let block = Block.image(try Image(file: Self.gif))
        #expect(try Block(json: block.jsonBytes) == block)
    }

    @Test func whatIsNoPictureIsRefused() {
        #expect(throws: ImageError.unknownFormat) { try Image(file: Array("hello, this is text".utf8)) }
        #expect(throws: ImageError.unknownFormat) { try Image(file: []) }
        #expect(throws: ImageError.notBase64) { try Image(base64: "iVBORw0KGgo") }
        #expect(throws: ImageError.notBase64) { try Image(base64: "iVBO Rw0=") }
        #expect(throws: ImageError.tooManyPixels(width: 65_535, height: 1)) {
            try Image(file: Array("GIF87a".utf8) + [0xFF, 0xFF, 1, 0])
        }
        #expect(throws: ImageError.tooManyBytes(Image.maxBytes + 10)) {
            try Image(file: Self.gif + [UInt8](repeating: 0, count: Image.maxBytes))
        }
    }

    @Test(arguments: [Int.max, Int.min, 0, -1]) func storedSizesThatMakeNoSenseHaveABound(_ side: Int) {
        let image = Image(.png, base64: "", width: side, height: side)
        #expect((2833...2833 + 8 * 5667).contains(image.tokenBound))
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64RoundTrips(_ text: String) {
        let encoded = Base64.encode(Array(text.utf8))
        #expect(Base64.decode(encoded) == Array(text.utf8))
        #expect(encoded.utf8.count.isMultiple(of: 4))
    }

    @Test func base64IsStrict() {
        #expect(Base64.encode(Array("fooba".utf8)) == "Zm9vYmE=")
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm-v"] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
    }
}
