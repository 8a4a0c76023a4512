/// The nodes of a schema and of everything it refers to.
final class CompiledSchema: Sendable {
    /// A place in a document: the member or element `component` of the place `parent`.
    struct Location: Sendable {
        /// Negative for the root of a document.
        let parent: Int
        /// For the root of a document its URI, empty for the schema itself.
        let component: String
    }

    /// A schema with a URI of its own, and what belongs to it.
    struct Resource: Sendable {
        var uri: URIReference
        /// Nodes by the names that `$dynamicRef` may look for.
        var dynamicAnchors: [String: Int] = [:]
    }

    struct Reference: Sendable {
        /// The node it leads to, as long as the dynamic scope does not say otherwise.
        var target: Int
        /// The name to be looked up in the dynamic scope.
        var dynamicAnchor: String?
    }

    let root: Int
    let nodes: [SchemaNode]
    let references: [Reference]
    let resources: [Resource]
    let locations: [Location]
    let usesDynamicScope: Bool

    init(root: Int, nodes: [SchemaNode], references: [Reference], resources: [Resource], locations: [Location]) {
        self.root = root
        self.nodes = nodes
        self.references = references
        self.resources = resources
        self.locations = locations
        usesDynamicScope = references.contains { $0.dynamicAnchor != nil }
    }

    /// The JSON pointer of a place, preceded by `URI#` outside the schema itself.
    static func pointer(to location: Int, in locations: [Location]) -> String {
        var components: [String] = []
        var at = location
        while locations[at].parent >= 0 {
            components.append(locations[at].component)
            at = locations[at].parent
        }
        let document = locations[at].component
        return (document.isEmpty ? "" : document + "#") + JSONPointer.text(of: components.reversed())
    }
}
