import MeerkatJSON

extension Validator {
    /// `const` and `enum`.
    mutating func evaluateValues(_ node: SchemaNode, _ value: JSONValue) throws(Stop) -> Bool {
        try charge(value.weight())
        if let constant = node.keywords.constant, !ExactValue.areEqual(constant, value) {
            return try report(
                node, "const", "expected \(Excerpt.value(constant)), found \(Self.description(of: value))")
        }
        if let values = node.keywords.enumeration {
            try charge(values.values.count / 8)
            if !values.contains(value) {
                return try report(
                    node, "enum",
                    "expected one of \(Excerpt.list(values.values)), found \(Self.description(of: value))")
            }
        }
        return true
    }

    mutating func evaluateNumber(_ node: SchemaNode, _ number: JSONNumber) throws(Stop) -> Bool {
        let bounds = node.keywords.numbers
        try charge(number.text.utf8.count / 16)
        let value = ExactDecimal(number)
        var isValid = true
        if let bound = bounds.minimum, value < bound.value {
            isValid = try report(node, "minimum", Self.message("at least", bound, number))
        }
        if let bound = bounds.maximum, value > bound.value {
            isValid = try report(node, "maximum", Self.message("at most", bound, number))
        }
        if let bound = bounds.exclusiveMinimum, value <= bound.value {
            isValid = try report(node, "exclusiveMinimum", Self.message("more than", bound, number))
        }
        if let bound = bounds.exclusiveMaximum, value >= bound.value {
            isValid = try report(node, "exclusiveMaximum", Self.message("less than", bound, number))
        }
        if let bound = bounds.divisor {
            try charge(value.divisionCost(by: bound.value) / 8)
            if !value.isMultiple(of: bound.value) {
                isValid = try report(node, "multipleOf", Self.message("a multiple of", bound, number))
            }
        }
        return isValid
    }

    private static func message(_ relation: String, _ bound: NumberBound, _ number: JSONNumber) -> String {
        "expected \(relation) \(Excerpt.text(bound.text)), found \(Excerpt.text(number.text))"
    }

    mutating func evaluateString(_ node: SchemaNode, _ text: String) throws(Stop) -> Bool {
        try charge(text.utf8.count / 16)
        var isValid = true
        if let least = node.keywords.strings.minLength, text.utf8.count < least || text.unicodeScalars.count < least {
            isValid = try report(
                node, "minLength",
                "expected at least \(Self.counted(least, "character")), found \(text.unicodeScalars.count)")
        }
        if let most = node.keywords.strings.maxLength, text.utf8.count > most, text.unicodeScalars.count > most {
            isValid = try report(
                node, "maxLength",
                "expected at most \(Self.counted(most, "character")), found \(text.unicodeScalars.count)")
        }
        guard node.keywords.strings.pattern != nil else { return isValid }
        return try evaluatePattern(node, text) && isValid
    }

    private mutating func evaluatePattern(_ node: SchemaNode, _ text: String) throws(Stop) -> Bool {
        guard let pattern = node.keywords.strings.pattern, try !matches(pattern, text) else { return true }
        return try report(
            node, "pattern",
            "expected text that matches \(Excerpt.quoted(pattern.source)), found \(Excerpt.quoted(text))")
    }

    /// Whether some part of `text` matches the pattern; the work is charged.
    mutating func matches(_ pattern: Pattern, _ text: String) throws(Stop) -> Bool {
        var matcher = PatternMatcher(pattern)
        try charge(pattern.instructions.count / 16)
        if let isMatch = matcher.findsMatch(in: text, limit: remainingSteps) {
            try charge(matcher.steps)
            return isMatch
        }
        try settleLimit()
        var patient = PatternMatcher(pattern)
        guard let isMatch = patient.findsMatch(in: text, limit: remainingSteps) else { throw .tooManySteps }
        try charge(patient.steps)
        return isMatch
    }
}
