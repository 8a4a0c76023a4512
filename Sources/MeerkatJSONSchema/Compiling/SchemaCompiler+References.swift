import MeerkatJSON

extension SchemaCompiler {
    /// Finds the target of every reference, those included that are met on the way.
    mutating func resolveReferences() throws(JSONSchemaError) {
        while let reference = pending.popLast() {
            let uri = URIReference(reference.text).resolved(against: resources[reference.place.resource].shared.uri)
            let resource = try resource(at: uri.withoutFragment, for: reference)
            let fragment = uri.plainFragment
            let target: Int? =
                if fragment.isEmpty {
                    node(at: resources[resource].place.location)
                } else if fragment.utf8.first == UInt8(ascii: "/") {
                    try node(at: fragment, in: resource)
                } else {
                    resources[resource].anchors[fragment]
                }
            guard let target else { throw .unresolvableReference(reference.text) }
            references[reference.number].target = target
            if reference.isDynamic, resources[nodes[target].resource].shared.dynamicAnchors[fragment] == target {
                references[reference.number].dynamicAnchor = fragment
            }
        }
    }

    private mutating func resource(
        at uri: String, for reference: PendingReference
    ) throws(JSONSchemaError) -> Int {
        if let known = resourcesByURI[uri] { return known }
        guard let document = documents[uri] ?? MetaSchemas.document(at: uri) else {
            throw .unresolvableReference(reference.text)
        }
        let number = resources.count
        _ = try compileDocument(document, uri: uri)
        return number
    }

    /// The schema that a JSON pointer names, compiled now if no known keyword leads to it.
    private mutating func node(at pointer: String, in resource: Int) throws(JSONSchemaError) -> Int? {
        var place = resources[resource].place
        var value = resources[resource].root
        for component in JSONPointer.components(of: pointer) {
            switch value {
            case .object(let object):
                guard let member = object[component] else { return nil }
                value = member
            case .array(let elements):
                guard let index = Int(component), elements.indices.contains(index), String(index) == component else {
                    return nil
                }
                value = elements[index]
            case .null, .bool, .number, .string: return nil
            }
            place.location = location(component, in: place.location)
            if let node = node(at: place.location) {
                place.resource = nodes[node].resource
                place.draft = resources[place.resource].place.draft
                place.hasAssertions = resources[place.resource].place.hasAssertions
            }
        }
        if let known = node(at: place.location) { return known }
        return try compile(value, at: place)
    }

    // MARK: Loops

    /// Refuses schemas that lead back to themselves without moving on in the instance.
    func refuseEndlessReferences() throws(JSONSchemaError) {
        var isFinished = [Bool](repeating: false, count: nodes.count)
        var isOpen = isFinished
        for start in nodes.indices where !isFinished[start] {
            var path = [(node: start, successors: successors(of: start))]
            isOpen[start] = true
            while let last = path.last {
                guard let next = last.successors.last else {
                    isOpen[last.node] = false
                    isFinished[last.node] = true
                    path.removeLast()
                    continue
                }
                path[path.count - 1].successors.removeLast()
                guard !isOpen[next] else { throw .endlessReference(path: pointer(to: nodes[next].location)) }
                guard !isFinished[next] else { continue }
                isOpen[next] = true
                path.append((next, successors(of: next)))
            }
        }
    }

    /// Nodes that are applied to whatever value `node` is applied to.
    private func successors(of node: Int) -> [Int] {
        let inPlace = nodes[node].keywords.inPlace
        let followed = [inPlace.reference, inPlace.dynamicReference].compactMap { $0 }.map { references[$0] }
        return inPlace.unconditional + followed.map(\.target)
    }
}
