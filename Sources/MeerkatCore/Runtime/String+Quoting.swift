extension String {
    /// Most foreign text that a message quotes, in bytes.
    public static let quoteLimit = 200

    /// The text as a message may quote it: cut to the limit between characters.
    public var quoted: String {
        utf8.count > Self.quoteLimit ? prefix(utf8: Self.quoteLimit) + "…" : self
    }

    /// The text as a terminal may show it: nothing in it moves the cursor, changes colors, or turns the order of letters.
    public var escaped: String {
        func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
            default: true
            }
        }
        guard !unicodeScalars.allSatisfy(isHarmless) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if isHarmless(scalar) {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return text
    }

    /// As much of the beginning as fits into `count` bytes, cut between characters.
    package func prefix(utf8 count: Int) -> Substring {
        guard utf8.count > count else { return self[...] }
        var end = utf8.index(startIndex, offsetBy: count)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }

    /// As much of the end as fits into `count` bytes, cut between characters.
    package func suffix(utf8 count: Int) -> Substring {
        guard utf8.count > count else { return self[...] }
        var start = utf8.index(endIndex, offsetBy: -count)
        while start.samePosition(in: unicodeScalars) == nil { start = utf8.index(after: start) }
        return self[start...]
    }
}
