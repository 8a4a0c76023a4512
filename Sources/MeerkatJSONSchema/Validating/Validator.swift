import MeerkatJSON

/// Applies a compiled schema to one instance.
///
/// There are two ways to run. The first only decides: it stops at the first violation and builds no text. The second
/// collects: it goes on behind a violation and keeps track of where it is.
struct Validator {
    /// Why a run ends before its verdict.
    enum Stop: Error {
        case tooManySteps
        case tooDeep
        /// Enough violations have been collected.
        case enough
    }

    /// A violation and how deep in the instance it lies.
    struct Finding {
        var depth: Int
        var violation: SchemaViolation
        /// Whether the value as a whole has the wrong type.
        var isTypeMismatch: Bool
    }

    /// Schemas inside schemas, references included, that a run goes through.
    static let maxDepth = 512
    /// Steps that every run may take, and the most that any may.
    private static let freeSteps = 1_000_000
    private static let maxSteps = 100_000_000

    let schema: CompiledSchema
    var isCollecting: Bool
    private let instance: JSONValue
    private var steps = 0
    private var stepLimit = freeSteps
    private var isLimitFinal = false
    private var depth = 0
    /// The schema resources entered so far, for `$dynamicRef`.
    var scopes: [Int] = []
    /// The way to the current value; kept only while collecting.
    var path: [String] = []
    var findings: [Finding] = []
    /// Alternatives being tried, whose findings may be dropped.
    var openAlternatives = 0

    init(schema: CompiledSchema, instance: JSONValue, isCollecting: Bool) {
        self.schema = schema
        self.instance = instance
        self.isCollecting = isCollecting
    }

    mutating func run() throws(Stop) -> Bool {
        var seen = Evaluated(isTracked: false)
        return try evaluate(schema.root, instance, &seen)
    }

    /// What a stop means to the caller of the public interface.
    func error(for stop: Stop) -> JSONSchemaError {
        switch stop {
        case .tooDeep: .tooDeep(limit: Self.maxDepth)
        case .tooManySteps, .enough: .budgetExceeded(steps: stepLimit)
        }
    }

    // MARK: Bounds

    mutating func charge(_ cost: Int) throws(Stop) {
        steps += cost
        if steps > stepLimit { try extendLimit() }
    }

    /// Steps that are left before the limit is reached or extended.
    var remainingSteps: Int { max(stepLimit - steps, 0) }

    /// Grants what the sizes of instance and schema justify; both are only now worth measuring.
    private mutating func extendLimit() throws(Stop) {
        guard !isLimitFinal else { throw .tooManySteps }
        isLimitFinal = true
        let (product, overflow) = instance.weight().multipliedReportingOverflow(by: 4 * schema.nodes.count)
        stepLimit = overflow ? Self.maxSteps : min(max(product, Self.freeSteps), Self.maxSteps)
        if steps > stepLimit { throw .tooManySteps }
    }

    /// Takes the whole budget into use, for work that cannot be resumed.
    mutating func settleLimit() throws(Stop) {
        if !isLimitFinal { try extendLimit() }
    }

    // MARK: Schemas

    /// Applies a schema to the value of a member or an item.
    mutating func evaluateChild(
        _ node: Int, _ value: JSONValue, at component: @autoclosure () -> String
    ) throws(Stop) -> Bool {
        var seen = Evaluated(isTracked: false)
        guard isCollecting else { return try evaluate(node, value, &seen) }
        path.append(component())
        let isValid = try evaluate(node, value, &seen)
        path.removeLast()
        return isValid
    }

    /// Applies a schema to a value; what it has looked at is added to `seen`.
    mutating func evaluate(_ index: Int, _ value: JSONValue, _ seen: inout Evaluated) throws(Stop) -> Bool {
        var node = schema.nodes[index]
        try charge(1)
        // A lone reference is no level of its own; the dynamic scope may need it, though, to enter its resource.
        while !schema.usesDynamicScope, node.concerns.contains(.onlyReference),
            let reference = node.keywords.inPlace.reference
        {
            node = schema.nodes[schema.references[reference].target]
            try charge(1)
        }
        if let verdict = node.verdict {
            return verdict ? true : try report(node, nil, "no value is allowed here")
        }
        guard depth < Self.maxDepth else { throw .tooDeep }
        depth += 1
        let entersResource = schema.usesDynamicScope && scopes.last != node.resource
        if entersResource { scopes.append(node.resource) }
        let isValid =
            node.concerns.contains(.unevaluated)
            ? try evaluateTracked(node, value, &seen) : try evaluateKeywords(node, value, &seen)
        if entersResource { scopes.removeLast() }
        depth -= 1
        return isValid
    }

    /// `unevaluated…` sees what its own schema has looked at, not what its neighbours have.
    private mutating func evaluateTracked(
        _ node: SchemaNode, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        var own = Evaluated(isTracked: true)
        guard try evaluateKeywords(node, value, &own) else { return false }
        seen.formUnion(own)
        return true
    }

    private mutating func evaluateKeywords(
        _ node: SchemaNode, _ value: JSONValue, _ seen: inout Evaluated
    ) throws(Stop) -> Bool {
        let concerns = node.concerns
        if let types = node.keywords.types, !types.admits(value) {
            return try report(
                node, "type", "expected \(types.phrase), found \(Self.description(of: value))", isTypeMismatch: true)
        }
        var isValid = true
        if concerns.contains(.values) { isValid = try evaluateValues(node, value) }
        if !isValid, !isCollecting { return false }
        switch value {
        case .number(let number) where concerns.contains(.numbers):
            isValid = try evaluateNumber(node, number) && isValid
        case .string(let text) where concerns.contains(.strings):
            isValid = try evaluateString(node, text) && isValid
        case .array(let elements) where concerns.contains(.arrays):
            isValid = try evaluateArray(node, elements, &seen) && isValid
        case .object(let object) where concerns.contains(.objects):
            isValid = try evaluateObject(node, object, &seen) && isValid
        default: break
        }
        if !isValid, !isCollecting { return false }
        if concerns.contains(.inPlace) { isValid = try evaluateInPlace(node, value, &seen) && isValid }
        guard isValid, concerns.contains(.unevaluated) else { return isValid }
        return try evaluateUnevaluated(node, value, &seen)
    }

    // MARK: Findings

    /// Notes a violation if violations are being collected; always false, the verdict.
    mutating func report(
        _ node: SchemaNode, _ keyword: String?, _ message: @autoclosure () -> String, isTypeMismatch: Bool = false
    ) throws(Stop) -> Bool {
        guard isCollecting else { return false }
        guard findings.count < JSONSchema.maxViolations else {
            if openAlternatives == 0 { throw .enough }
            return false
        }
        let instancePath = JSONPointer.text(of: path)
        let schemaPath = CompiledSchema.pointer(to: node.location, in: schema.locations)
        // Text costs more than a comparison, and a long path more than a short one.
        try charge(16 + (instancePath.utf8.count + schemaPath.utf8.count) / 16)
        findings.append(
            Finding(
                depth: path.count,
                violation: SchemaViolation(
                    instancePath: instancePath,
                    schemaPath: schemaPath + (keyword.map { "/" + JSONPointer.escaped($0) } ?? ""),
                    message: message()),
                isTypeMismatch: isTypeMismatch))
        return false
    }

    /// A found value in words, short.
    static func description(of value: JSONValue) -> String {
        switch value {
        case .null, .bool, .number, .string: Excerpt.value(value)
        case .array(let elements):
            elements.isEmpty ? "an empty array" : "an array of \(counted(elements.count, "item"))"
        case .object(let object):
            object.isEmpty ? "an empty object" : "an object with \(counted(object.members.count, "property"))"
        }
    }

    static func counted(_ count: Int, _ noun: String) -> String {
        guard count != 1 else { return "1 " + noun }
        return "\(count) " + (noun == "property" ? "properties" : noun + "s")
    }
}
