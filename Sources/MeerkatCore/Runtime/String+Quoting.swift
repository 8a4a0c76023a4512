extension String {
    /// Most foreign text that a message quotes, in bytes.
    public static let quoteLimit = 200

    /// The text as a message may quote it: cut to the limit between characters.
    public var quoted: String {
        guard utf8.count > Self.quoteLimit else { return self }
        var end = utf8.index(startIndex, offsetBy: Self.quoteLimit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end] + "…"
    }
}
