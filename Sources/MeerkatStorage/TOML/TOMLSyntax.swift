internal import MeerkatJSON

/// Part of a TOML text, in bytes.
typealias TextRange = Range<Int>

/// A line with content, as it stands in the text; comments and blank lines are what lies between.
enum TOMLStatement {
    case header(TOMLHeader)
    case pair(TOMLPair)

    /// From the first byte of the statement to the end of its value or bracket.
    var range: TextRange {
        switch self {
        case .header(let header): header.range
        case .pair(let pair): pair.range
        }
    }
}

/// `[a.b]` or `[[a.b]]`.
struct TOMLHeader {
    var names: [String]
    var isArrayElement: Bool
    var range: TextRange
}

/// `a.b = value`, on a line of its own or in an inline table.
struct TOMLPair {
    var names: [String]
    var value: TOMLNode
    var range: TextRange
}

/// A value and its place in the text.
struct TOMLNode {
    indirect enum Content {
        case scalar(JSONValue)
        case array([TOMLNode])
        case inlineTable([TOMLPair])
    }

    var content: Content
    var range: TextRange
}

/// Why a text is not TOML.
struct TOMLError: Error, Hashable {
    var message: String
    /// In bytes from the start of the text.
    var offset: Int
}
