import MeerkatJSON

/// The values of `enum`.
struct ValueSet: Sendable {
    private static let indexedFrom = 8

    let values: [JSONValue]
    /// The same values by hash; kept only once a linear search would cost more.
    private let index: Set<ExactValue>

    init(_ values: [JSONValue]) {
        self.values = values
        index = values.count > Self.indexedFrom ? Set(values.map(ExactValue.init)) : []
    }

    func contains(_ value: JSONValue) -> Bool {
        guard index.isEmpty else { return index.contains(ExactValue(value)) }
        return values.contains { ExactValue.areEqual($0, value) }
    }
}
