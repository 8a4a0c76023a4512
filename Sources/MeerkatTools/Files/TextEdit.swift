internal import MeerkatCore
internal import MeerkatIO

/// A replacement in a text, byte by byte; in texts with CRLF line ends a LF stands for such an end.
struct TextEdit {
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private let text: [UInt8]
    /// What is looked for, with the line ends of the text.
    let old: [UInt8]
    private let new: [UInt8]
    /// Where it begins, in bytes; occurrences do not overlap.
    let places: [Int]

    init(_ text: [UInt8], replacing old: String, by new: String) {
        let usesCRLF = Self.usesCRLF(text)
        let old = usesCRLF ? Self.withCRLF(Array(old.utf8)) : Array(old.utf8)
        self.text = text
        self.old = old
        self.new = usesCRLF ? Self.withCRLF(Array(new.utf8)) : Array(new.utf8)
        var places: [Int] = []
        text.withUnsafeBytes { text in
            old.withUnsafeBytes { old in
                var at = 0
                while let place = text.position(of: old, from: at) {
                    places.append(place)
                    at = place + old.count
                }
            }
        }
        self.places = places
    }

    /// The text with every occurrence replaced.
    var result: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + places.count * (new.count - old.count))
        var at = 0
        for place in places {
            result += text[at..<place]
            result += new
            at = place + old.count
        }
        return result + text[at...]
    }

    /// The line on which each occurrence begins, from 1.
    var lines: [Int] {
        var lines: [Int] = []
        var line = 1
        var at = 0
        for place in places {
            line += text[at..<place].count { $0 == Self.lineFeed }
            lines.append(line)
            at = place
        }
        return lines
    }

    /// Whether every line ends with CRLF.
    private static func usesCRLF(_ text: [UInt8]) -> Bool {
        var hasLines = false
        var previous: UInt8 = 0
        for byte in text {
            if byte == lineFeed {
                guard previous == carriageReturn else { return false }
                hasLines = true
            }
            previous = byte
        }
        return hasLines
    }

    private static func withCRLF(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            if byte == lineFeed, result.last != carriageReturn { result.append(carriageReturn) }
            result.append(byte)
        }
        return result
    }
}

/// The place of a text that is most like one that is not in it.
struct NearMiss {
    let text: String

    init(of wanted: [UInt8], in bytes: [UInt8]) {
        let lines = Self.lines(bytes)
        let wanted = Self.lines(wanted).map(Self.bare)
        let bare = lines.map(Self.bare)
        let skipped = wanted.prefix(while: \.isEmpty).count
        let core = Array(wanted.dropFirst(skipped).reversed().drop(while: \.isEmpty).reversed())
        guard let first = core.first else {
            text = "it is only white space"
            return
        }
        let candidates = bare.indices.filter { bare[$0] == first }
        if let line = candidates.first(where: { bare[$0...].starts(with: core) }) {
            let found = lines[line..<line + core.count].joined(separator: [UInt8(ascii: "\n")])
            text =
                "line \(line + 1) differs in white space only: \"\(String(decoding: Array(found), as: UTF8.self).quoted)\""
        } else if let line = candidates.first {
            let same = zip(bare[line...], core).prefix { $0 == $1 }.count
            text = "it is like line \(line + 1), but the file differs from line \(line + 1 + same) on"
        } else {
            text = "read the file again"
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    /// A line without any white space.
    private static func bare(_ line: ArraySlice<UInt8>) -> [UInt8] {
        line.filter { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
    }
}
