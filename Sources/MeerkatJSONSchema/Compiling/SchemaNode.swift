/// One schema, compiled.
final class SchemaNode: Sendable {
    /// What a schema object asks about, so that validation passes over the rest.
    struct Concerns: OptionSet, Sendable {
        let rawValue: UInt16

        static let types = Concerns(rawValue: 1)
        static let values = Concerns(rawValue: 2)
        static let numbers = Concerns(rawValue: 4)
        static let strings = Concerns(rawValue: 8)
        static let arrays = Concerns(rawValue: 16)
        static let objects = Concerns(rawValue: 32)
        static let inPlace = Concerns(rawValue: 64)
        static let unevaluated = Concerns(rawValue: 128)
        /// A `$ref` and nothing else.
        static let onlyReference = Concerns(rawValue: 256)
    }

    /// The verdict of a boolean schema; nil for an object.
    let verdict: Bool?
    let concerns: Concerns
    let keywords: SchemaKeywords
    /// Where the schema stands: a number in ``CompiledSchema/locations``.
    let location: Int
    /// The schema resource it belongs to: a number in ``CompiledSchema/resources``.
    let resource: Int

    init(verdict: Bool?, keywords: SchemaKeywords, location: Int, resource: Int) {
        self.verdict = verdict
        self.keywords = keywords
        self.location = location
        self.resource = resource
        var concerns: Concerns = []
        if keywords.types != nil { concerns.insert(.types) }
        if keywords.constant != nil || keywords.enumeration != nil { concerns.insert(.values) }
        if !keywords.numbers.isEmpty { concerns.insert(.numbers) }
        if !keywords.strings.isEmpty { concerns.insert(.strings) }
        if !keywords.arrays.isEmpty { concerns.insert(.arrays) }
        if !keywords.objects.isEmpty { concerns.insert(.objects) }
        if !keywords.inPlace.isEmpty { concerns.insert(.inPlace) }
        if keywords.arrays.unevaluated != nil || keywords.objects.unevaluated != nil { concerns.insert(.unevaluated) }
        if concerns == .inPlace, keywords.inPlace.isOnlyReference { concerns.insert(.onlyReference) }
        self.concerns = concerns
    }
}
