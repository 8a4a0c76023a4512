import MeerkatJSON

extension SchemaCompiler {
    /// Reads a keyword that holds or names other schemas; leaves the rest alone.
    mutating func readApplicator(
        _ name: String, _ value: JSONValue, of object: JSONObject, into keywords: inout SchemaKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch name {
        case "$ref": keywords.inPlace.reference = try reference(name, value, at: place)
        case "$dynamicRef" where place.draft == .draft2020:
            keywords.inPlace.dynamicReference = try reference(name, value, at: place)
        case "allOf": keywords.inPlace.allOf = try schemas(name, value, at: place)
        case "anyOf": keywords.inPlace.anyOf = try schemas(name, value, at: place)
        case "oneOf": keywords.inPlace.oneOf = try schemas(name, value, at: place)
        case "not": keywords.inPlace.negated = try schema(name, value, at: place)
        case "if": keywords.inPlace.condition = try schema(name, value, at: place)
        case "then": keywords.inPlace.consequence = try schema(name, value, at: place)
        case "else": keywords.inPlace.alternative = try schema(name, value, at: place)
        case "definitions": _ = try schemaMap(name, value, at: place)
        case "$defs" where place.draft == .draft2020: _ = try schemaMap(name, value, at: place)
        default:
            let hasList = object["items"]?.array != nil
            try readArrayApplicator(name, value, besideList: hasList, into: &keywords.arrays, at: place)
            try readObjectApplicator(name, value, into: &keywords.objects, at: place)
            return
        }
        keywords.inPlace.isEmpty = false
    }

    private mutating func readArrayApplicator(
        _ name: String, _ value: JSONValue, besideList isBesideList: Bool, into keywords: inout ArrayKeywords,
        at place: Place
    ) throws(JSONSchemaError) {
        switch (name, place.draft) {
        case ("prefixItems", .draft2020): keywords.prefix = try schemas(name, value, at: place)
        case ("items", .draft7) where value.array != nil:
            keywords.prefix = value == [] ? [] : try schemas(name, value, at: place)
        case ("items", _): keywords.rest = try schema(name, value, at: place)
        case ("additionalItems", .draft7) where isBesideList: keywords.rest = try schema(name, value, at: place)
        case ("additionalItems", .draft7): _ = try schema(name, value, at: place)
        case ("contains", _): keywords.contained = try schema(name, value, at: place)
        case ("unevaluatedItems", .draft2020): keywords.unevaluated = try schema(name, value, at: place)
        default: return
        }
        keywords.isEmpty = false
    }

    private mutating func readObjectApplicator(
        _ name: String, _ value: JSONValue, into keywords: inout ObjectKeywords, at place: Place
    ) throws(JSONSchemaError) {
        switch (name, place.draft) {
        case ("properties", _):
            for (property, node) in try schemaMap(name, value, at: place) {
                keywords.properties.update(property) { $0.node = node }
            }
        case ("patternProperties", _):
            for (source, node) in try schemaMap(name, value, at: place) {
                keywords.patterns.append(
                    ObjectKeywords.PatternProperty(
                        pattern: try pattern(source, keyword: name, at: place), node: node))
            }
        case ("additionalProperties", _): keywords.additional = try schema(name, value, at: place)
        case ("propertyNames", _): keywords.names = try schema(name, value, at: place)
        case ("dependentSchemas", .draft2020):
            for (property, node) in try schemaMap(name, value, at: place) {
                keywords.dependencies.append(
                    ObjectKeywords.Dependency(name: property, keyword: name, node: node))
            }
        case ("dependencies", _): try readDependencies(name, value, into: &keywords, at: place)
        case ("unevaluatedProperties", .draft2020): keywords.unevaluated = try schema(name, value, at: place)
        default: return
        }
        keywords.isEmpty = false
    }

    /// `dependencies`, which draft 2020-12 has split in two and most validators still obey.
    private mutating func readDependencies(
        _ name: String, _ value: JSONValue, into keywords: inout ObjectKeywords, at place: Place
    ) throws(JSONSchemaError) {
        guard let object = value.object else { throw invalid(name, "expected an object", at: place) }
        let parent = location(name, in: place.location)
        for member in object.members {
            var dependency = ObjectKeywords.Dependency(name: member.name, keyword: name)
            if member.value.array != nil {
                dependency.required = try names(name, member.value, at: place)
            } else {
                dependency.node = try compile(
                    member.value, at: below(place, location(member.name, in: parent)))
            }
            keywords.dependencies.append(dependency)
        }
    }

    // MARK: Subschemas

    private mutating func schema(
        _ name: String, _ value: JSONValue, at place: Place
    ) throws(JSONSchemaError) -> Int {
        try compile(value, at: below(place, location(name, in: place.location)))
    }

    private mutating func schemas(
        _ name: String, _ value: JSONValue, at place: Place
    ) throws(JSONSchemaError) -> [Int] {
        guard let elements = value.array, !elements.isEmpty else {
            throw invalid(name, "expected an array of schemas, at least one", at: place)
        }
        let parent = location(name, in: place.location)
        var result: [Int] = []
        for (index, element) in elements.enumerated() {
            result.append(try compile(element, at: below(place, location(String(index), in: parent))))
        }
        return result
    }

    private mutating func schemaMap(
        _ name: String, _ value: JSONValue, at place: Place
    ) throws(JSONSchemaError) -> [(String, Int)] {
        guard let object = value.object else { throw invalid(name, "expected an object of schemas", at: place) }
        let parent = location(name, in: place.location)
        var result: [(String, Int)] = []
        for member in object.members {
            result.append(
                (member.name, try compile(member.value, at: below(place, location(member.name, in: parent)))))
        }
        return result
    }

    private func below(_ place: Place, _ location: Int) -> Place {
        var place = place
        place.location = location
        place.depth += 1
        return place
    }

    private mutating func reference(
        _ name: String, _ value: JSONValue, at place: Place
    ) throws(JSONSchemaError) -> Int {
        guard let text = value.string else { throw invalid(name, "expected a string, a URI reference", at: place) }
        references.append(CompiledSchema.Reference(target: -1))
        pending.append(
            PendingReference(
                number: references.count - 1, text: text, isDynamic: name == "$dynamicRef", place: place))
        return references.count - 1
    }
}
