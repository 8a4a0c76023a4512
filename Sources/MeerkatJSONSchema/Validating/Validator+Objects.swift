import MeerkatJSON

extension Validator {
    mutating func evaluateObject(
        _ node: SchemaNode, _ object: JSONObject, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = try evaluateMembers(node, object, &seen)
        if !isValid, !isCollecting { return false }
        isValid = try evaluateSize(node, object) && isValid
        if !isValid, !isCollecting { return false }
        if !node.keywords.objects.dependencies.isEmpty {
            isValid = try evaluateDependencies(node, object, &seen) && isValid
        }
        return isValid
    }

    private mutating func evaluateSize(_ node: SchemaNode, _ object: JSONObject) throws(Stop) -> Bool {
        let count = object.members.count
        var isValid = true
        if let least = node.keywords.objects.minProperties, count < least {
            isValid = try report(
                node, "minProperties", "expected at least \(Self.counted(least, "property")), found \(count)")
        }
        if let most = node.keywords.objects.maxProperties, count > most {
            isValid = try report(
                node, "maxProperties", "expected at most \(Self.counted(most, "property")), found \(count)")
        }
        return isValid
    }

    /// Goes through the members of an object: each is looked up among the properties and tried on the patterns.
    private mutating func evaluateMembers(
        _ node: SchemaNode, _ object: JSONObject, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        var requiredFound = 0
        let count = object.members.count
        for position in 0..<count {
            let member = object.members[position]
            try charge(1 + member.name.utf8.count / 16)
            var property: Int?
            if let entry = node.keywords.objects.properties.position(of: member.name) {
                property = node.keywords.objects.properties.entries[entry].node
                if node.keywords.objects.properties.entries[entry].isRequired { requiredFound += 1 }
            }
            if try !evaluateMember(node, member, position, property: property, &seen) {
                guard isCollecting else { return false }
                isValid = false
            }
        }
        guard requiredFound < node.keywords.objects.properties.requiredCount else { return isValid }
        return try reportMissing(node, object)
    }

    private mutating func evaluateMember(
        _ node: SchemaNode, _ member: JSONObject.Member, _ position: Int, property: Int?, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        var isKnown = property != nil
        if let names = node.keywords.objects.names {
            isValid = try evaluateName(names, member.name)
            if !isValid, !isCollecting { return false }
        }
        if let property {
            isValid = try evaluateProperty(member, property) && isValid
            if !isValid, !isCollecting { return false }
        }
        for index in node.keywords.objects.patterns.indices {
            guard try matches(node.keywords.objects.patterns[index].pattern, member.name) else { continue }
            isKnown = true
            isValid = try evaluateProperty(member, node.keywords.objects.patterns[index].node) && isValid
            if !isValid, !isCollecting { return false }
        }
        if !isKnown, let additional = node.keywords.objects.additional {
            isKnown = true
            isValid = try evaluateProperty(member, additional, declaredBy: node) && isValid
        }
        if isKnown { seen.insert(position) }
        return isValid
    }

    /// Applies a schema to a member; where nothing is allowed, the object is at fault, not the value.
    mutating func evaluateProperty(
        _ member: JSONObject.Member, _ index: Int, declaredBy node: SchemaNode? = nil
    ) throws(Stop) -> Bool {
        if schema.nodes[index].verdict == false {
            return try report(schema.nodes[index], nil, Self.messageForUnexpected(member.name, in: node))
        }
        return try evaluateChild(index, member.value, at: member.name)
    }

    private static func messageForUnexpected(_ name: String, in node: SchemaNode?) -> String {
        let message = "unexpected property \(Excerpt.quoted(name))"
        guard let node else { return message }
        let known = node.keywords.objects.properties.entries.lazy.filter { $0.node != nil }.prefix(32)
        guard !known.isEmpty else { return message }
        return message + "; known are " + Excerpt.list(known.map { .string($0.name.text) })
    }

    private mutating func reportMissing(_ node: SchemaNode, _ object: JSONObject) throws(Stop) -> Bool {
        guard isCollecting else { return false }
        for property in node.keywords.objects.properties.entries where property.isRequired {
            try charge(1)
            if object[property.name.text] == nil {
                _ = try report(node, "required", "missing required property \(Excerpt.quoted(property.name.text))")
            }
        }
        return false
    }

    /// Applies `propertyNames` to a name; what it finds is told of the object, which the name belongs to.
    private mutating func evaluateName(_ names: Int, _ name: String) throws(Stop) -> Bool {
        let start = findings.count
        var seen = Evaluated(isTracked: false)
        guard try !evaluate(names, .string(name), &seen) else { return true }
        for index in start..<findings.count {
            let violation = findings[index].violation
            findings[index].violation = SchemaViolation(
                instancePath: violation.instancePath, schemaPath: violation.schemaPath,
                message: "invalid property name: \(violation.message)")
        }
        return false
    }

    private mutating func evaluateDependencies(
        _ node: SchemaNode, _ object: JSONObject, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var isValid = true
        for dependency in node.keywords.objects.dependencies {
            try charge(1 + dependency.required.count)
            guard object[dependency.name] != nil else { continue }
            for name in dependency.required where object[name] == nil {
                isValid = try report(
                    node, dependency.keyword,
                    "missing property \(Excerpt.quoted(name)), which \(Excerpt.quoted(dependency.name)) requires")
            }
            if let schema = dependency.node { isValid = try evaluate(schema, .object(object), &seen) && isValid }
            if !isValid, !isCollecting { return false }
        }
        return isValid
    }
}
