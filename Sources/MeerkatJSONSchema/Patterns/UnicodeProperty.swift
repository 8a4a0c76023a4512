/// A property that `\p{…}` may name: a general category or a binary property.
enum UnicodeProperty: Sendable {
    case categories([Unicode.GeneralCategory])
    case binary(@Sendable (Unicode.Scalar.Properties) -> Bool)
    case ascii
    case any

    func holds(for scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .categories(let categories): categories.contains(scalar.properties.generalCategory)
        case .binary(let holds): holds(scalar.properties)
        case .ascii: scalar.isASCII
        case .any: true
        }
    }

    /// The property of that name, or nil; scripts are not among them.
    init?(named name: String) {
        let parts = name.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: self.init(lone: name)
        case 2 where parts[0] == "General_Category" || parts[0] == "gc": self.init(category: parts[1])
        default: return nil
        }
    }

    private init?(lone name: String) {
        switch name {
        case "Any": self = .any
        case "ASCII": self = .ascii
        case "Alphabetic", "Alpha": self = .binary { $0.isAlphabetic }
        case "Uppercase", "Upper": self = .binary { $0.isUppercase }
        case "Lowercase", "Lower": self = .binary { $0.isLowercase }
        case "White_Space", "space": self = .binary { $0.isWhitespace }
        case "Cased": self = .binary { $0.isCased }
        case "ID_Start", "IDS": self = .binary { $0.isIDStart }
        case "ID_Continue", "IDC": self = .binary { $0.isIDContinue }
        case "XID_Start", "XIDS": self = .binary { $0.isXIDStart }
        case "XID_Continue", "XIDC": self = .binary { $0.isXIDContinue }
        case "Math": self = .binary { $0.isMath }
        case "Dash": self = .binary { $0.isDash }
        case "Diacritic", "Dia": self = .binary { $0.isDiacritic }
        case "Hex_Digit", "Hex": self = .binary { $0.isHexDigit }
        case "ASCII_Hex_Digit", "AHex": self = .binary { $0.isASCIIHexDigit }
        case "Ideographic", "Ideo": self = .binary { $0.isIdeographic }
        case "Emoji": self = .binary { $0.isEmoji }
        case "Emoji_Presentation", "EPres": self = .binary { $0.isEmojiPresentation }
        case "Emoji_Modifier", "EMod": self = .binary { $0.isEmojiModifier }
        case "Assigned": self = .binary { $0.generalCategory != .unassigned }
        default: self.init(category: name)
        }
    }

    private init?(category name: String) {
        guard let categories = Self.categories(named: name) else { return nil }
        self = .categories(categories)
    }

    private static func categories(named name: String) -> [Unicode.GeneralCategory]? {
        switch name {
        case "L", "Letter":
            [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter]
        case "LC", "Cased_Letter": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter]
        case "Lu", "Uppercase_Letter": [.uppercaseLetter]
        case "Ll", "Lowercase_Letter": [.lowercaseLetter]
        case "Lt", "Titlecase_Letter": [.titlecaseLetter]
        case "Lm", "Modifier_Letter": [.modifierLetter]
        case "Lo", "Other_Letter": [.otherLetter]
        case "M", "Mark", "Combining_Mark": [.nonspacingMark, .spacingMark, .enclosingMark]
        case "Mn", "Nonspacing_Mark": [.nonspacingMark]
        case "Mc", "Spacing_Mark": [.spacingMark]
        case "Me", "Enclosing_Mark": [.enclosingMark]
        case "N", "Number": [.decimalNumber, .letterNumber, .otherNumber]
        case "Nd", "Decimal_Number", "digit": [.decimalNumber]
        case "Nl", "Letter_Number": [.letterNumber]
        case "No", "Other_Number": [.otherNumber]
        case "P", "Punctuation", "punct":
            [
                .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
                .finalPunctuation, .otherPunctuation,
            ]
        case "Pc", "Connector_Punctuation": [.connectorPunctuation]
        case "Pd", "Dash_Punctuation": [.dashPunctuation]
        case "Ps", "Open_Punctuation": [.openPunctuation]
        case "Pe", "Close_Punctuation": [.closePunctuation]
        case "Pi", "Initial_Punctuation": [.initialPunctuation]
        case "Pf", "Final_Punctuation": [.finalPunctuation]
        case "Po", "Other_Punctuation": [.otherPunctuation]
        case "S", "Symbol": [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol]
        case "Sm", "Math_Symbol": [.mathSymbol]
        case "Sc", "Currency_Symbol": [.currencySymbol]
        case "Sk", "Modifier_Symbol": [.modifierSymbol]
        case "So", "Other_Symbol": [.otherSymbol]
        case "Z", "Separator": [.spaceSeparator, .lineSeparator, .paragraphSeparator]
        case "Zs", "Space_Separator": [.spaceSeparator]
        case "Zl", "Line_Separator": [.lineSeparator]
        case "Zp", "Paragraph_Separator": [.paragraphSeparator]
        case "C", "Other": [.control, .format, .surrogate, .privateUse, .unassigned]
        case "Cc", "Control", "cntrl": [.control]
        case "Cf", "Format": [.format]
        case "Cs", "Surrogate": [.surrogate]
        case "Co", "Private_Use": [.privateUse]
        case "Cn", "Unassigned": [.unassigned]
        default: nil
        }
    }
}
