import MeerkatJSON

/// The keywords of one schema object, checked and ready for use; subschemas are numbers of nodes.
struct SchemaKeywords: Sendable {
    var types: TypeSet?
    var constant: JSONValue?
    var enumeration: ValueSet?
    var numbers = NumberKeywords()
    var strings = StringKeywords()
    var arrays = ArrayKeywords()
    var objects = ObjectKeywords()
    var inPlace = InPlaceKeywords()
}

struct NumberKeywords: Sendable {
    var minimum: NumberBound?
    var maximum: NumberBound?
    var exclusiveMinimum: NumberBound?
    var exclusiveMaximum: NumberBound?
    var divisor: NumberBound?
    var isEmpty = true
}

/// A number with the text that messages show.
struct NumberBound: Sendable {
    let text: String
    let value: ExactDecimal

    init(_ number: JSONNumber) {
        text = number.text
        value = ExactDecimal(number)
    }
}

struct StringKeywords: Sendable {
    var minLength: Int?
    var maxLength: Int?
    var pattern: Pattern?
    var isEmpty = true
}

struct ArrayKeywords: Sendable {
    var minItems: Int?
    var maxItems: Int?
    var hasUniqueItems = false
    /// Schemas by position: `prefixItems`, or the list form of `items` in draft-07.
    var prefix: [Int] = []
    /// For the items behind the prefix.
    var rest: Int?
    var contained: Int?
    var minContains: Int?
    var maxContains: Int?
    var unevaluated: Int?
    var isEmpty = true
}

struct ObjectKeywords: Sendable {
    /// A property that the schema names, under `properties` or `required` or both.
    struct Property: Sendable {
        var name: ExactText
        var node: Int?
        var isRequired = false
    }

    struct PatternProperty: Sendable {
        var pattern: Pattern
        var node: Int
    }

    /// What an object with a certain property must look like besides.
    struct Dependency: Sendable {
        var name: String
        var keyword: String
        var required: [String] = []
        var node: Int?
    }

    var minProperties: Int?
    var maxProperties: Int?
    var properties = PropertyTable()
    var patterns: [PatternProperty] = []
    var additional: Int?
    var names: Int?
    var dependencies: [Dependency] = []
    var unevaluated: Int?
    var isEmpty = true
}

/// Keywords that apply other schemas to the same value.
struct InPlaceKeywords: Sendable {
    /// Number of a reference.
    var reference: Int?
    var dynamicReference: Int?
    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var negated: Int?
    var condition: Int?
    var consequence: Int?
    var alternative: Int?
    var isEmpty = true

    var isOnlyReference: Bool {
        reference != nil && dynamicReference == nil && unconditional.isEmpty
    }

    /// Nodes that are always applied to the same value, whatever it is.
    var unconditional: [Int] { allOf + anyOf + oneOf + [negated, condition].compactMap { $0 } }
}
