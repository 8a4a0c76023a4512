extension String {
    /// The text as one line that changes nothing on the terminal that shows it: controls, line ends and characters that
    /// change the direction of text or do not show, such as U+202E, are written as `\\u{202E}`.
    ///
    /// Escaping a text that is escaped changes nothing.
    package var escapedForTerminal: String {
        guard utf8.contains(where: { !(0x20...0x7E).contains($0) }) else { return self }
        var escaped = ""
        for scalar in unicodeScalars {
            if scalar.isUnsafeOnTerminal {
                escaped += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension Unicode.Scalar {
    fileprivate var isUnsafeOnTerminal: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
