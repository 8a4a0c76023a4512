import MeerkatJSON

/// Turns schema documents into nodes, with every reference resolved.
///
/// A document is compiled as a whole, known keywords only; that also finds its identifiers and anchors. References are
/// followed afterwards: what they name in other documents, or under keywords nobody knows, is compiled when it is met.
struct SchemaCompiler {
    /// Where a schema stands, and what it inherits from there.
    struct Place {
        var location: Int
        var resource: Int
        var draft: JSONSchema.Draft
        /// False under a meta-schema whose vocabularies leave assertions out.
        var hasAssertions = true
        var depth = 0
    }

    /// A schema resource while its document is being compiled.
    struct Resource {
        var shared: CompiledSchema.Resource
        var root: JSONValue
        var place: Place
        var anchors: [String: Int] = [:]
    }

    struct PendingReference {
        var number: Int
        var text: String
        var isDynamic: Bool
        var place: Place
    }

    private struct LocationKey: Hashable {
        var parent: Int
        var component: ExactText
    }

    /// Schemas inside schemas.
    static let maxDepth = 192
    /// Instructions of all patterns together.
    private static let maxPatternInstructions = 4 * Pattern.maxInstructions

    let draft: JSONSchema.Draft
    let documents: [String: JSONValue]
    var references: [CompiledSchema.Reference] = []
    var pending: [PendingReference] = []
    var resources: [Resource] = []
    var resourcesByURI: [String: Int] = [:]
    private(set) var nodes: [SchemaNode] = []
    private var locations: [CompiledSchema.Location] = []
    private var children: [LocationKey: Int] = [:]
    private var nodesByLocation: [Int: Int] = [:]
    private var patternInstructions = 0

    init(draft: JSONSchema.Draft, documents: [String: JSONValue]) {
        self.draft = draft
        self.documents = Dictionary(
            documents.map { (URIReference($0).withoutFragment, $1) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func compile(_ schema: JSONValue) throws(JSONSchemaError) -> CompiledSchema {
        let root = try compileDocument(schema, uri: "")
        try resolveReferences()
        try refuseEndlessReferences()
        return CompiledSchema(
            root: root, nodes: nodes, references: references, resources: resources.map(\.shared), locations: locations)
    }

    /// Compiles a document that is known under `uri`.
    mutating func compileDocument(_ schema: JSONValue, uri: String) throws(JSONSchemaError) -> Int {
        locations.append(CompiledSchema.Location(parent: -1, component: uri))
        var place = Place(location: locations.count - 1, resource: resources.count, draft: draft)
        if let name = schema["$schema"] { try obey(metaSchema: name, at: &place) }
        resources.append(
            Resource(shared: CompiledSchema.Resource(uri: URIReference(uri)), root: schema, place: place))
        resourcesByURI[uri] = place.resource
        return try compile(schema, at: place)
    }

    /// Compiles a schema that stands inside a document.
    mutating func compile(_ schema: JSONValue, at place: Place) throws(JSONSchemaError) -> Int {
        guard place.depth < Self.maxDepth else { throw .tooDeep(limit: Self.maxDepth) }
        let draft = NodeDraft()
        switch schema {
        case .bool(let verdict): return append(draft, verdict: verdict, at: place)
        case .object(let object) where place.draft == .draft7 && object["$ref"] != nil:
            try readReference(object, into: draft, at: place)
            return append(draft, verdict: nil, at: place)
        case .object(let object):
            var place = place
            try identify(object, at: &place)
            try readKeywords(object, into: draft, at: place)
            let node = append(draft, verdict: nil, at: place)
            try anchor(object, node: node, at: place)
            return node
        case .null, .number, .string, .array: throw noSchema(schema, at: place)
        }
    }

    private func noSchema(_ value: JSONValue, at place: Place) -> JSONSchemaError {
        .invalidSchema(
            path: pointer(to: place.location),
            message: "expected a schema, an object or a boolean, found \(Excerpt.value(value))")
    }

    /// Keywords while they are being read: on the heap, since this goes on at every level of a deep schema.
    private final class NodeDraft {
        var keywords: SchemaKeywords

        // Inlined, these would make the frame of every level three times as large.
        @inline(never) init() { keywords = SchemaKeywords() }
    }

    @inline(never)
    private mutating func append(_ draft: NodeDraft, verdict: Bool?, at place: Place) -> Int {
        nodes.append(
            SchemaNode(
                verdict: verdict, keywords: draft.keywords, location: place.location, resource: place.resource))
        nodesByLocation[place.location] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func readKeywords(
        _ object: JSONObject, into draft: NodeDraft, at place: Place
    ) throws(JSONSchemaError) {
        for member in object.members {
            try readApplicator(member.name, member.value, of: object, into: &draft.keywords, at: place)
            guard place.hasAssertions else { continue }
            try readAssertion(member.name, member.value, into: &draft.keywords, at: place)
        }
    }

    /// Reads a reference of draft-07, which ignores what stands beside it; definitions may be referred to all the same.
    private mutating func readReference(
        _ object: JSONObject, into draft: NodeDraft, at place: Place
    ) throws(JSONSchemaError) {
        for name in ["$ref", "definitions"] {
            guard let value = object[name] else { continue }
            try readApplicator(name, value, of: object, into: &draft.keywords, at: place)
        }
    }

    // MARK: Places

    /// The place `component` below `parent`.
    mutating func location(_ component: String, in parent: Int) -> Int {
        let key = LocationKey(parent: parent, component: ExactText(component))
        if let known = children[key] { return known }
        locations.append(CompiledSchema.Location(parent: parent, component: component))
        children[key] = locations.count - 1
        return locations.count - 1
    }

    func node(at location: Int) -> Int? { nodesByLocation[location] }

    func pointer(to location: Int) -> String {
        CompiledSchema.pointer(to: location, in: locations)
    }

    /// An error about the value of a keyword.
    func invalid(_ keyword: String, _ message: String, at place: Place) -> JSONSchemaError {
        .invalidSchema(path: pointer(to: place.location) + "/" + JSONPointer.escaped(keyword), message: message)
    }

    mutating func pattern(_ source: String, keyword: String, at place: Place) throws(JSONSchemaError) -> Pattern {
        do throws(PatternError) {
            let pattern = try Pattern(source)
            patternInstructions += pattern.instructions.count
            guard patternInstructions <= Self.maxPatternInstructions else {
                throw .tooLarge(limit: Self.maxPatternInstructions)
            }
            return pattern
        } catch {
            throw invalid(keyword, "the regular expression \(Excerpt.quoted(source)) is refused: \(error)", at: place)
        }
    }
}
