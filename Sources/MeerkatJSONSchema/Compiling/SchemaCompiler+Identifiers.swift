import MeerkatJSON

extension SchemaCompiler {
    /// Obeys `$id`: the schema then is a resource of its own.
    mutating func identify(_ object: JSONObject, at place: inout Place) throws(JSONSchemaError) {
        guard let value = object["$id"] else { return }
        guard let text = value.string else { throw invalid("$id", "expected a string, a URI reference", at: place) }
        let reference = URIReference(text)
        if place.draft == .draft2020, reference.fragment?.isEmpty == false {
            throw invalid("$id", "a fragment is not allowed here; use $anchor", at: place)
        }
        // In draft-07 `#name` alone is an anchor.
        if reference.withoutFragment.isEmpty { return }
        var uri = reference.resolved(against: resources[place.resource].shared.uri)
        uri.fragment = nil
        if resources[place.resource].place.location == place.location {
            resources[place.resource].shared.uri = uri
        } else {
            if let name = object["$schema"] { try obey(metaSchema: name, at: &place) }
            place.resource = resources.count
            resources.append(
                Resource(shared: CompiledSchema.Resource(uri: uri), root: .object(object), place: place))
        }
        if resourcesByURI[uri.withoutFragment] == nil { resourcesByURI[uri.withoutFragment] = place.resource }
    }

    /// Obeys `$anchor` and `$dynamicAnchor`, in draft-07 the fragment of `$id`.
    mutating func anchor(_ object: JSONObject, node: Int, at place: Place) throws(JSONSchemaError) {
        if place.draft == .draft7 {
            let name = object["$id"]?.string.map { URIReference($0).plainFragment } ?? ""
            if !name.isEmpty { resources[place.resource].anchors[name] = node }
            return
        }
        if let name = try anchorName("$anchor", in: object, at: place) {
            resources[place.resource].anchors[name] = node
        }
        if let name = try anchorName("$dynamicAnchor", in: object, at: place) {
            resources[place.resource].anchors[name] = node
            resources[place.resource].shared.dynamicAnchors[name] = node
        }
    }

    private func anchorName(
        _ keyword: String, in object: JSONObject, at place: Place
    ) throws(JSONSchemaError) -> String? {
        guard let value = object[keyword] else { return nil }
        guard let name = value.string, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")) else {
            throw invalid(keyword, "expected a plain name", at: place)
        }
        return name
    }

    // MARK: Meta-schemas

    private static let validationVocabulary = "https://json-schema.org/draft/2020-12/vocab/validation"

    /// Obeys `$schema`: the name of a draft, or of a document that builds on one and may leave assertions out.
    func obey(metaSchema value: JSONValue, at place: inout Place) throws(JSONSchemaError) {
        guard let uri = value.string else { throw invalid("$schema", "expected a string, a URI", at: place) }
        place.hasAssertions = true
        if let draft = Self.draft(named: uri) {
            place.draft = draft
            return
        }
        guard let document = documents[URIReference(uri).withoutFragment] else { throw .unsupportedDraft(uri) }
        place.draft = draft
        if let base = document["$schema"]?.string {
            guard let draft = Self.draft(named: base) else { throw .unsupportedDraft(base) }
            place.draft = draft
        }
        guard let vocabularies = document["$vocabulary"]?.object else { return }
        place.hasAssertions = vocabularies[Self.validationVocabulary] != nil
    }

    private static func draft(named uri: String) -> JSONSchema.Draft? {
        switch URIReference(uri).withoutFragment {
        case MetaSchemas.draft2020: .draft2020
        case MetaSchemas.draft7, "https://json-schema.org/draft-07/schema": .draft7
        default: nil
        }
    }
}
