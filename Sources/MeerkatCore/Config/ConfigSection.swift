public import MeerkatJSON

/// Goes through the keys of a section: one visitor reads them, another writes them, a third lists them.
public protocol ConfigVisitor {
    /// Visits one key. `check` says what is wrong with a value that was read, or nil.
    mutating func key<Value: ConfigValue>(
        _ name: String, _ value: inout Value, nilAs: ConfigNil, check: (Value) -> String?
    ) throws(ConfigError)

    /// Visits every table whose name is no key of the section.
    mutating func otherTables<Value: ConfigSection>(_ tables: inout ConfigMap<Value>) throws(ConfigError)
}

/// How a key without a value is shown.
public enum ConfigNil: Sendable {
    case null, omitted
}

/// The value of a key.
public protocol ConfigValue: Sendable, Hashable {
    init(config json: JSONValue) throws(ConfigError)
    var configJSON: JSONValue { get }
}

/// A table with known keys, each a property with its default.
public protocol ConfigSection: ConfigValue {
    init()
    /// Members that are no keys of this build; they are kept and given back.
    var unknown: JSONObject { get set }
    /// Names every key once.
    mutating func visit(_ keys: inout some ConfigVisitor) throws(ConfigError)
    /// Rewrites older spellings to those that ``visit(_:)`` names.
    static func canonical(_ object: JSONObject) -> JSONObject
}

extension ConfigSection {
    public static func canonical(_ object: JSONObject) -> JSONObject { object }

    /// Reads a table; missing keys and `null` take the default.
    public init(config json: JSONValue) throws(ConfigError) {
        guard let object = json.object else { throw ConfigError(.wrongType(expected: "a table")) }
        self.init()
        var reader = ConfigReader(Self.canonical(object))
        try visit(&reader)
        unknown = reader.rest
    }

    /// The table with every key in it.
    public var object: JSONObject {
        var writer = ConfigWriter()
        var copy = self
        // A writer only looks at the values and never throws.
        try? copy.visit(&writer)
        for member in unknown.members { writer.object[member.name] = member.value }
        return writer.object
    }

    public var configJSON: JSONValue { .object(object) }

    /// This section with the keys that `other` sets in place of its own.
    public func merging(_ other: Self) -> Self {
        var merged = self
        var reader = ConfigReader(other.object)
        // What a section has written can be read.
        try? merged.visit(&reader)
        for member in other.unknown.members { merged.unknown[member.name] = member.value }
        return merged
    }
}

/// Takes values from an object; what is left over in the end is unknown.
struct ConfigReader: ConfigVisitor {
    private let object: JSONObject
    private var known: Set<String> = []

    init(_ object: JSONObject) {
        self.object = object
    }

    /// The members that no key has asked for.
    var rest: JSONObject {
        var rest = JSONObject()
        for member in object.members where !known.contains(member.name) && !member.value.isNull {
            rest[member.name] = member.value
        }
        return rest
    }

    mutating func key<Value: ConfigValue>(
        _ name: String, _ value: inout Value, nilAs: ConfigNil, check: (Value) -> String?
    ) throws(ConfigError) {
        known.insert(name)
        guard let json = object[name], !json.isNull else { return }
        do throws(ConfigError) {
            value = try Value(config: json)
        } catch {
            throw error.inside(name)
        }
        if let problem = check(value) { throw ConfigError(.invalid(problem), key: [name]) }
    }

    mutating func otherTables<Value: ConfigSection>(_ tables: inout ConfigMap<Value>) throws(ConfigError) {
        var others = JSONObject()
        for member in object.members where !known.contains(member.name) && member.value.object != nil {
            known.insert(member.name)
            others[member.name] = member.value
        }
        tables = try ConfigMap(config: .object(others))
    }
}

/// Builds an object from values.
struct ConfigWriter: ConfigVisitor {
    var object = JSONObject()

    mutating func key<Value: ConfigValue>(
        _ name: String, _ value: inout Value, nilAs: ConfigNil, check: (Value) -> String?
    ) {
        let json = value.configJSON
        if nilAs == .null || !json.isNull { object[name] = json }
    }

    mutating func otherTables<Value: ConfigSection>(_ tables: inout ConfigMap<Value>) {
        for (name, value) in tables { object[name] = value.configJSON }
    }
}

extension ConfigVisitor {
    mutating func key<Value: ConfigValue>(
        _ name: String, _ value: inout Value, nilAs: ConfigNil = .null
    ) throws(ConfigError) {
        try key(name, &value, nilAs: nilAs) { _ in nil }
    }

    /// Visits a whole number that must lie in `range`.
    mutating func key(_ name: String, _ value: inout Int, _ range: ClosedRange<Int>) throws(ConfigError) {
        try key(name, &value, nilAs: .null) { Self.problem($0, range) }
    }

    mutating func key(
        _ name: String, _ value: inout Int?, _ range: ClosedRange<Int>, nilAs: ConfigNil = .null
    ) throws(ConfigError) {
        try key(name, &value, nilAs: nilAs) { value in value.flatMap { Self.problem($0, range) } }
    }

    mutating func key(_ name: String, _ value: inout Double, _ range: ClosedRange<Double>) throws(ConfigError) {
        try key(name, &value, nilAs: .null) { Self.problem($0, range) }
    }

    mutating func key(_ name: String, _ value: inout Double?, _ range: ClosedRange<Double>) throws(ConfigError) {
        try key(name, &value, nilAs: .null) { value in value.flatMap { Self.problem($0, range) } }
    }

    /// Visits an optional duration, which may also be given as a number of milliseconds.
    mutating func key(_ name: String, _ value: inout Duration?) throws(ConfigError) {
        var loose = value.map(LooseDuration.init(duration:))
        try key(name, &loose, nilAs: .null) { _ in nil }
        value = loose?.duration
    }

    private static func problem<Number: Comparable>(_ value: Number, _ range: ClosedRange<Number>) -> String? {
        if range.contains(value) { return nil }
        return value < range.lowerBound ? "must be at least \(range.lowerBound)" : "must be at most \(range.upperBound)"
    }
}
