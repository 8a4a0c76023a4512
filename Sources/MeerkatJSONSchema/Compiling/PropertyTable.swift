/// The properties that a schema names, found by name.
struct PropertyTable: Sendable {
    private static let indexedFrom = 8

    private(set) var entries: [ObjectKeywords.Property] = []
    private(set) var requiredCount = 0
    /// Positions by name; kept only once a linear search would cost more.
    private var index: [ExactText: Int] = [:]

    /// The position of the entry for `name`, or nil.
    func position(of name: String) -> Int? {
        if !index.isEmpty { return index[ExactText(name)] }
        let name = ExactText(name)
        for position in entries.indices where entries[position].name == name { return position }
        return nil
    }

    /// Changes the entry for `name`, which is created if need be.
    mutating func update(_ name: String, _ change: (inout ObjectKeywords.Property) -> Void) {
        let position = position(of: name) ?? append(name)
        let wasRequired = entries[position].isRequired
        change(&entries[position])
        if entries[position].isRequired, !wasRequired { requiredCount += 1 }
    }

    private mutating func append(_ name: String) -> Int {
        entries.append(ObjectKeywords.Property(name: ExactText(name)))
        if !index.isEmpty {
            index[ExactText(name)] = entries.count - 1
        } else if entries.count > Self.indexedFrom {
            for (position, entry) in entries.enumerated() { index[entry.name] = position }
        }
        return entries.count - 1
    }
}
