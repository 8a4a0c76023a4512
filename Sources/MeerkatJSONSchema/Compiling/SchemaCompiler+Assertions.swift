import MeerkatJSON

extension SchemaCompiler {
    /// Reads a keyword that looks at the value itself; leaves the rest alone.
    mutating func readAssertion(
        _ name: String, _ value: JSONValue, into keywords: inout SchemaKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "type": keywords.types = try types(value, at: place)
        case "const": keywords.constant = value
        case "enum":
            guard let values = value.array else { throw invalid(name, "expected an array of values", at: place) }
            keywords.enumeration = ValueSet(values)
        default:
            try readNumberAssertion(name, value, into: &keywords.numbers, at: place)
            try readStringAssertion(name, value, into: &keywords.strings, at: place)
            try readArrayAssertion(name, value, into: &keywords.arrays, at: place)
            try readObjectAssertion(name, value, into: &keywords.objects, at: place)
        }
    }

    private func readNumberAssertion(
        _ name: String, _ value: JSONValue, into keywords: inout NumberKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "minimum": keywords.minimum = try bound(name, value, at: place)
        case "maximum": keywords.maximum = try bound(name, value, at: place)
        case "exclusiveMinimum": keywords.exclusiveMinimum = try bound(name, value, at: place)
        case "exclusiveMaximum": keywords.exclusiveMaximum = try bound(name, value, at: place)
        case "multipleOf":
            let divisor = try bound(name, value, at: place)
            guard !divisor.value.isZero, !divisor.value.isNegative else {
                throw invalid(name, "expected a number greater than 0, found \(Excerpt.value(value))", at: place)
            }
            keywords.divisor = divisor
        default: return
        }
        keywords.isEmpty = false
    }

    private mutating func readStringAssertion(
        _ name: String, _ value: JSONValue, into keywords: inout StringKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "minLength": keywords.minLength = try count(name, value, at: place)
        case "maxLength": keywords.maxLength = try count(name, value, at: place)
        case "pattern":
            guard let source = value.string else { throw invalid(name, "expected a string", at: place) }
            keywords.pattern = try pattern(source, keyword: name, at: place)
        default: return
        }
        keywords.isEmpty = false
    }

    private func readArrayAssertion(
        _ name: String, _ value: JSONValue, into keywords: inout ArrayKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "minItems": keywords.minItems = try count(name, value, at: place)
        case "maxItems": keywords.maxItems = try count(name, value, at: place)
        case "minContains" where place.draft == .draft2020:
            keywords.minContains = try count(name, value, at: place)
        case "maxContains" where place.draft == .draft2020:
            keywords.maxContains = try count(name, value, at: place)
        case "uniqueItems":
            guard let flag = value.bool else { throw invalid(name, "expected a boolean", at: place) }
            keywords.hasUniqueItems = flag
        default: return
        }
        keywords.isEmpty = false
    }

    private func readObjectAssertion(
        _ name: String, _ value: JSONValue, into keywords: inout ObjectKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "minProperties": keywords.minProperties = try count(name, value, at: place)
        case "maxProperties": keywords.maxProperties = try count(name, value, at: place)
        case "required":
            for property in try names(name, value, at: place) {
                keywords.properties.update(property) { $0.isRequired = true }
            }
        case "dependentRequired" where place.draft == .draft2020:
            guard let object = value.object else { throw invalid(name, "expected an object", at: place) }
            for member in object.members {
                keywords.dependencies.append(
                    ObjectKeywords.Dependency(
                        name: member.name, keyword: name, required: try names(name, member.value, at: place)))
            }
        default: return
        }
        keywords.isEmpty = false
    }

    // MARK: Values

    private func types(_ value: JSONValue, at place: Place) throws(JSONSchemaError) -> TypeSet {
        var types: TypeSet = []
        let names = value.array ?? [value]
        for name in names {
            guard let text = name.string, let type = TypeSet(named: text) else {
                throw invalid("type", "unknown type \(Excerpt.value(name))", at: place)
            }
            types.insert(type)
        }
        guard !names.isEmpty else { throw invalid("type", "expected at least one type", at: place) }
        return types
    }

    private func bound(_ name: String, _ value: JSONValue, at place: Place) throws(JSONSchemaError) -> NumberBound {
        guard case .number(let number) = value else {
            throw invalid(name, "expected a number, found \(Excerpt.value(value))", at: place)
        }
        return NumberBound(number)
    }

    /// A whole number from 0 on; what no instance can reach is cut.
    private func count(_ name: String, _ value: JSONValue, at place: Place) throws(JSONSchemaError) -> Int {
        guard case .number(let number) = value, let count = ExactDecimal(number).count else {
            throw invalid(name, "expected a whole number from 0 on, found \(Excerpt.value(value))", at: place)
        }
        return count
    }

    func names(_ name: String, _ value: JSONValue, at place: Place) throws(JSONSchemaError) -> [String] {
        guard let elements = value.array else { throw invalid(name, "expected an array of strings", at: place) }
        var names: [String] = []
        for element in elements {
            guard let text = element.string else {
                throw invalid(name, "expected an array of strings, found \(Excerpt.value(element)) in it", at: place)
            }
            names.append(text)
        }
        return names
    }
}
