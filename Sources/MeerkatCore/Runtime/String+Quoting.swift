extension String {
    /// Most foreign text that a message quotes, in bytes.
    public static let quoteLimit = 200

    /// The text as a message may quote it: cut to the limit between characters.
    public var quoted: String {
        utf8.count > Self.quoteLimit ? prefix(utf8: Self.quoteLimit) + "…" : self
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
