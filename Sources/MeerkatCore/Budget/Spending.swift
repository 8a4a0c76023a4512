public import MeerkatJSON

/// What model calls have cost.
public struct Spending: Sendable, Hashable {
    /// The exact cost by the providers' prices; nil when that of some call is unknown.
    public var cost: USDollars?
    /// The most that it can have been; nil when some call had no price at all.
    public var bound: USDollars?

    public init(cost: USDollars?, bound: USDollars?) {
        self.cost = cost
        self.bound = bound
    }

    public static let zero = Spending(cost: .zero, bound: .zero)
    public static let unknown = Spending(cost: nil, bound: nil)

    /// Adds a call; nil is a call of which nothing is known.
    public static func += (total: inout Spending, part: Spending?) {
        total.cost = total.cost.flatMap { cost in part?.cost.map { cost + $0 } }
        total.bound = total.bound.flatMap { bound in part?.bound.map { bound + $0 } }
    }
}

extension Spending: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("cost_usd", cost)
            writer.member("bound_usd", bound)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self = .unknown
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "cost_usd": cost = try reader.readOptional()
            case "bound_usd": bound = try reader.readOptional()
            default: break
            }
        }
    }
}
