/// The items of an answer while they are streamed, found without looking at each of them.
struct OpenAIOutputItems: Sendable {
    private struct Name: Hashable {
        var kind: OpenAIOutputItem.Kind
        var id: [UInt8]
    }

    private struct Place: Hashable {
        var kind: OpenAIOutputItem.Kind
        var outputIndex: UInt64
    }

    private(set) var all: [OpenAIOutputItem] = []
    /// The positions of reasoning that has begun and whose end was not told, in ascending order.
    private(set) var openReasoning: [Int] = []
    /// The last item of each name.
    private var names: [Name: Int] = [:]
    /// The items of each place that may not be whole, in ascending order.
    private var places: [Place: [Int]] = [:]

    var count: Int { all.count }
    var isEmpty: Bool { all.isEmpty }

    subscript(position: Int) -> OpenAIOutputItem {
        _read { yield all[position] }
        _modify { yield &all[position] }
    }

    /// Adds an item and returns its position.
    mutating func append(_ item: OpenAIOutputItem) -> Int {
        let position = all.count
        all.append(item)
        note(position)
        return position
    }

    private mutating func note(_ position: Int) {
        let item = all[position]
        if !item.id.isEmpty { names[Name(kind: item.kind, id: item.id)] = position }
        if let index = item.outputIndex {
            places[Place(kind: item.kind, outputIndex: index), default: []].append(position)
        }
    }

    // MARK: Finding

    /// The item with an id.
    func position(of kind: OpenAIOutputItem.Kind, id: [UInt8]) -> Int? {
        id.isEmpty ? nil : names[Name(kind: kind, id: id)]
    }

    /// The item with an id, else at an index: some servers give ids that change from event to event, some give all
    /// items one index, some give neither.
    mutating func position(of kind: OpenAIOutputItem.Kind, id: [UInt8], outputIndex: UInt64?) -> Int? {
        if let found = position(of: kind, id: id) { return found }
        if let outputIndex { return unfinishedItem(at: Place(kind: kind, outputIndex: outputIndex)) }
        guard let last = all.last, last.kind == kind, !last.isWhole else { return nil }
        return id.isEmpty || last.id.isEmpty ? all.count - 1 : nil
    }

    /// The last item at a place that is not whole; those that are whole are forgotten on the way.
    private mutating func unfinishedItem(at place: Place) -> Int? {
        while let last = places[place]?.last {
            guard all[last].isWhole else { return last }
            places[place]?.removeLast()
        }
        return nil
    }

    // MARK: Reasoning

    /// Notes that an item may hold reasoning whose end is to be told.
    mutating func noteReasoning(at position: Int) {
        guard !all[position].content.isEmpty, !all[position].isClosed else { return }
        let index = openIndex(of: position)
        if index == openReasoning.count || openReasoning[index] != position {
            openReasoning.insert(position, at: index)
        }
    }

    mutating func forgetReasoning(at position: Int) {
        let index = openIndex(of: position)
        if index < openReasoning.count, openReasoning[index] == position { openReasoning.remove(at: index) }
    }

    /// Where `position` stands, or would stand, in ``openReasoning``.
    private func openIndex(of position: Int) -> Int {
        var (low, high) = (0, openReasoning.count)
        while low < high {
            let middle = (low + high) / 2
            if openReasoning[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: The whole response

    /// Adds those items of the whole response that were not streamed, each behind the one before it there.
    ///
    /// - Returns: The position of each item of the response.
    mutating func merge(_ whole: [OpenAIOutputItem]) -> [Int] {
        let found = match(whole)
        /// The items to be added, by the position behind which they come.
        var added: [Int: [Int]] = [:]
        var anchor = -1
        for (index, position) in found.enumerated() {
            if let position { anchor = position } else { added[anchor, default: []].append(index) }
        }
        var positions = Array(repeating: 0, count: whole.count)
        var merged: [OpenAIOutputItem] = []
        /// Where each streamed item has come to stand.
        var moved: [Int] = []
        for old in -1..<all.count {
            if old >= 0 {
                moved.append(merged.count)
                merged.append(all[old])
            }
            for index in added[old] ?? [] {
                positions[index] = merged.count
                merged.append(whole[index])
            }
        }
        for (index, position) in found.enumerated() { if let position { positions[index] = moved[position] } }
        openReasoning = openReasoning.map { moved[$0] }
        all = merged
        (names, places) = ([:], [:])
        for position in all.indices { note(position) }
        return positions
    }

    /// Where the items of the whole response were streamed: by their ids, else by place, else by kind.
    private func match(_ whole: [OpenAIOutputItem]) -> [Int?] {
        var first: [Name: Int] = [:]
        for (position, item) in all.enumerated() where !item.id.isEmpty {
            let name = Name(kind: item.kind, id: item.id)
            if first[name] == nil { first[name] = position }
        }
        var found: [Int?] = whole.map { $0.id.isEmpty ? nil : first[Name(kind: $0.kind, id: $0.id)] }
        var rest = UnmatchedItems(all, without: Set(found.compactMap { $0 }))
        for (index, item) in whole.enumerated() where found[index] == nil { found[index] = rest.take(for: item) }
        return found
    }
}

/// Streamed items that no item of the whole response has been found for, by kind and place.
private struct UnmatchedItems {
    private struct Sort: Hashable {
        var kind: OpenAIOutputItem.Kind
        /// What the server calls the kind, for items of its own.
        var type: String?
        var outputIndex: UInt64?
    }

    /// In descending order; also by place alone, so that some may have been taken.
    private var positions: [Sort: [Int]] = [:]
    private var taken: Set<Int> = []

    init(_ items: [OpenAIOutputItem], without matched: Set<Int>) {
        for (position, item) in items.enumerated().reversed() where !matched.contains(position) {
            positions[Self.sort(item, outputIndex: nil), default: []].append(position)
            if let index = item.outputIndex {
                positions[Self.sort(item, outputIndex: index), default: []].append(position)
            }
        }
    }

    private static func sort(_ item: OpenAIOutputItem, outputIndex: UInt64?) -> Sort {
        Sort(kind: item.kind, type: item.kind == .other ? item.type : nil, outputIndex: outputIndex)
    }

    /// The first item of the same kind, rather one of the same place.
    mutating func take(for item: OpenAIOutputItem) -> Int? {
        let position =
            item.outputIndex.flatMap { next(Self.sort(item, outputIndex: $0)) }
            ?? next(Self.sort(item, outputIndex: nil))
        if let position { taken.insert(position) }
        return position
    }

    private mutating func next(_ sort: Sort) -> Int? {
        while let position = positions[sort]?.popLast() {
            if !taken.contains(position) { return position }
        }
        return nil
    }
}
