public import MeerkatJSON

extension String: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let text = json.string else { throw ConfigError(.wrongType(expected: "a string")) }
        self = text
    }

    public var configJSON: JSONValue { .string(self) }
}

extension Bool: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let value = json.bool else { throw ConfigError(.wrongType(expected: "true or false")) }
        self = value
    }

    public var configJSON: JSONValue { .bool(self) }
}

extension Int: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let value = json.int else { throw ConfigError(.wrongType(expected: "a whole number")) }
        self = value
    }

    public var configJSON: JSONValue { .integer(self) }
}

extension Double: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let value = json.double else { throw ConfigError(.wrongType(expected: "a number")) }
        self = value
    }

    public var configJSON: JSONValue { JSONNumber(self).map { .number($0) } ?? .null }
}

extension USDollars: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        do throws(JSONError) {
            try self.init(json: json.jsonBytes)
        } catch {
            throw ConfigError(.wrongType(expected: "an amount of dollars, as a number"))
        }
    }

    public var configJSON: JSONValue { (try? JSONValue(json: jsonBytes)) ?? .null }  // it is written as a number
}

extension JSONValue: ConfigValue {
    public init(config json: JSONValue) { self = json }
    public var configJSON: JSONValue { self }
}

extension JSONObject: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let object = json.object else { throw ConfigError(.wrongType(expected: "a table")) }
        self = object
    }

    public var configJSON: JSONValue { .object(self) }
}

extension Optional: ConfigValue where Wrapped: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        self = json.isNull ? nil : try Wrapped(config: json)
    }

    public var configJSON: JSONValue { self?.configJSON ?? .null }
}

extension Array: ConfigValue where Element: ConfigValue {
    public init(config json: JSONValue) throws(ConfigError) {
        guard let elements = json.array else { throw ConfigError(.wrongType(expected: "an array")) }
        self = []
        for (index, element) in elements.enumerated() {
            do throws(ConfigError) {
                append(try Element(config: element))
            } catch {
                throw error.inside(String(index))
            }
        }
    }

    public var configJSON: JSONValue { .array(map(\.configJSON)) }
}

/// One of a few words.
public protocol ConfigChoice: ConfigValue, CaseIterable, RawRepresentable where RawValue == String {
    /// Words that are read and never written.
    static var aliases: [String: Self] { get }
}

extension ConfigChoice {
    public static var aliases: [String: Self] { [:] }

    public init(config json: JSONValue) throws(ConfigError) {
        guard let word = json.string, let value = Self(rawValue: word) ?? Self.aliases[word] else {
            let words = Self.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw ConfigError(.wrongType(expected: "one of \(words)"))
        }
        self = value
    }

    public var configJSON: JSONValue { .string(rawValue) }
}

/// A table whose names are chosen by the user, in the order in which they were first set.
public struct ConfigMap<Value: ConfigValue>: ConfigValue, Sequence, ExpressibleByDictionaryLiteral {
    private var entries: [Entry] = []

    private struct Entry: Sendable, Hashable {
        var name: String
        var value: Value
    }

    public init() {}

    public init(dictionaryLiteral elements: (String, Value)...) {
        for (name, value) in elements { self[name] = value }
    }

    public init(config json: JSONValue) throws(ConfigError) {
        guard let object = json.object else { throw ConfigError(.wrongType(expected: "a table")) }
        for member in object.members where !member.value.isNull {
            do throws(ConfigError) {
                entries.append(Entry(name: member.name, value: try Value(config: member.value)))
            } catch {
                throw error.inside(member.name)
            }
        }
    }

    public var configJSON: JSONValue {
        var object = JSONObject()
        for entry in entries { object[entry.name] = entry.value.configJSON }
        return .object(object)
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var names: [String] { entries.map(\.name) }

    public subscript(name: String) -> Value? {
        get { entries.first { $0.name == name }?.value }
        set {
            switch (entries.firstIndex { $0.name == name }, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    public subscript(name: String, default fallback: @autoclosure () -> Value) -> Value {
        get { self[name] ?? fallback() }
        set { self[name] = newValue }
    }

    public func makeIterator() -> some IteratorProtocol<(name: String, value: Value)> {
        entries.lazy.map { (name: $0.name, value: $0.value) }.makeIterator()
    }
}
