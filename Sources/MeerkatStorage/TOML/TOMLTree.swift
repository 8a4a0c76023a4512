internal import MeerkatJSON

/// The value that statements make together, and where each of them puts what it says.
struct TOMLTree {
    private(set) var object = JSONObject()
    /// The place of each statement, in order: the names from the root, an index standing for an element of an array.
    private(set) var places: [[String]] = []

    init(_ statements: [TOMLStatement]) throws(TOMLError) {
        let root = Table(.header)
        var current = root
        var place: [String] = []
        for statement in statements {
            switch statement {
            case .header(let header):
                place = []
                current = try Self.open(header, from: root, &place)
                places.append(place)
            case .pair(let pair):
                try Self.insert(pair, into: current)
                places.append(place + pair.names)
            }
        }
        object = root.object
    }

    /// A table while it is being built.
    private final class Table {
        enum Origin {
            /// It has sub-tables and no header of its own so far.
            case implied
            /// It has a header, or is the root, or an element of an array.
            case header
            /// It came into being by a dotted key.
            case dotted
        }

        enum Node {
            case value(JSONValue)
            case table(Table)
            case elements(Elements)
        }

        var origin: Origin
        private var names: [String] = []
        private var nodes: [String: Node] = [:]

        init(_ origin: Origin) {
            self.origin = origin
        }

        subscript(name: String) -> Node? {
            get { nodes[name] }
            set {
                if nodes[name] == nil { names.append(name) }
                nodes[name] = newValue
            }
        }

        var object: JSONObject {
            var object = JSONObject()
            for name in names {
                switch nodes[name] {
                case .value(let value): object[name] = value
                case .table(let table): object[name] = .object(table.object)
                case .elements(let elements): object[name] = .array(elements.tables.map { .object($0.object) })
                case nil: break
                }
            }
            return object
        }
    }

    /// The tables of `[[name]]`.
    private final class Elements {
        var tables: [Table] = []

        /// Adds a table and returns it with its index.
        func append() -> (table: Table, index: Int) {
            tables.append(Table(.header))
            return (tables[tables.count - 1], tables.count - 1)
        }
    }

    /// Finds or makes the table of a header.
    private static func open(_ header: TOMLHeader, from root: Table, _ place: inout [String]) throws(TOMLError) -> Table
    {
        let offset = header.range.lowerBound
        var table = root
        for name in header.names.dropLast() {
            place.append(name)
            switch table[name] {
            case nil:
                let new = Table(.implied)
                table[name] = .table(new)
                table = new
            case .table(let inner): table = inner
            case .elements(let elements):
                guard let last = elements.tables.last else { throw notTable(name, offset) }
                place.append(String(elements.tables.count - 1))
                table = last
            case .value: throw notTable(name, offset)
            }
        }
        let name = header.names.last ?? ""
        place.append(name)
        switch (table[name], header.isArrayElement) {
        case (nil, false):
            let new = Table(.header)
            table[name] = .table(new)
            return new
        case (.table(let inner), false):
            guard case .implied = inner.origin else { throw duplicate(name, offset) }
            inner.origin = .header
            return inner
        case (nil, true):
            let elements = Elements()
            table[name] = .elements(elements)
            return addElement(to: elements, &place)
        case (.elements(let elements), true): return addElement(to: elements, &place)
        default: throw duplicate(name, offset)
        }
    }

    private static func addElement(to elements: Elements, _ place: inout [String]) -> Table {
        let (table, index) = elements.append()
        place.append(String(index))
        return table
    }

    private static func insert(_ pair: TOMLPair, into start: Table) throws(TOMLError) {
        let offset = pair.range.lowerBound
        var table = start
        for name in pair.names.dropLast() {
            switch table[name] {
            case nil:
                let new = Table(.dotted)
                table[name] = .table(new)
                table = new
            case .table(let inner):
                if case .header = inner.origin { throw duplicate(name, offset) }
                inner.origin = .dotted
                table = inner
            case .elements: throw duplicate(name, offset)
            case .value: throw notTable(name, offset)
            }
        }
        let name = pair.names.last ?? ""
        guard table[name] == nil else { throw duplicate(name, offset) }
        table[name] = .value(try value(of: pair.value))
    }

    /// The value that a node stands for.
    static func value(of node: TOMLNode) throws(TOMLError) -> JSONValue {
        switch node.content {
        case .scalar(let value): return value
        case .array(let nodes):
            var elements: [JSONValue] = []
            for node in nodes { elements.append(try value(of: node)) }
            return .array(elements)
        case .inlineTable(let pairs):
            let table = Table(.header)
            for pair in pairs { try insert(pair, into: table) }
            return .object(table.object)
        }
    }

    private static func duplicate(_ name: String, _ offset: Int) -> TOMLError {
        TOMLError(message: "\"\(name.prefix(60))\" is defined twice", offset: offset)
    }

    private static func notTable(_ name: String, _ offset: Int) -> TOMLError {
        TOMLError(message: "\"\(name.prefix(60))\" is not a table that can be added to", offset: offset)
    }
}
