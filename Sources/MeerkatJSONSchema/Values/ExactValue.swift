import MeerkatJSON

/// A string that equals only itself, not what is canonically equivalent to it.
struct ExactText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A value with the equality of JSON Schema: numbers by value, objects without regard to order.
struct ExactValue: Hashable, Sendable {
    let value: JSONValue

    init(_ value: JSONValue) { self.value = value }

    static func == (left: ExactValue, right: ExactValue) -> Bool { areEqual(left.value, right.value) }

    func hash(into hasher: inout Hasher) { Self.hash(value, into: &hasher) }

    static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)):
            return left == right || ExactDecimal(left) == ExactDecimal(right)
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            for index in left.indices where !areEqual(left[index], right[index]) { return false }
            return true
        case (.object(let left), .object(let right)):
            guard left.members.count == right.members.count else { return false }
            for member in left.members {
                guard let other = right[member.name], areEqual(member.value, other) else { return false }
            }
            return true
        default: return left == right
        }
    }

    private static func hash(_ value: JSONValue, into hasher: inout Hasher) {
        switch value {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let number): hasher.combine(ExactDecimal(number))
        case .string(let text): hasher.combine(ExactText(text))
        case .array(let elements):
            hasher.combine(elements.count)
            for element in elements { hash(element, into: &hasher) }
        case .object(let object):
            var sum = 0
            for member in object.members {
                var memberHasher = Hasher()
                memberHasher.combine(ExactText(member.name))
                hash(member.value, into: &memberHasher)
                sum &+= memberHasher.finalize()
            }
            hasher.combine(sum)
        }
    }
}

extension JSONValue {
    /// About how many steps it takes to look at all of the value; nesting beyond `depth` is not looked at.
    func weight(depth: Int = 512) -> Int {
        switch self {
        case .null, .bool: 1
        case .number(let number): 1 + number.text.utf8.count / 16
        case .string(let text): 1 + text.utf8.count / 16
        case .array(let elements):
            depth == 0 ? 1 : elements.reduce(1) { $0 + $1.weight(depth: depth - 1) }
        case .object(let object):
            depth == 0
                ? 1
                : object.members.reduce(1) { $0 + 1 + $1.name.utf8.count / 16 + $1.value.weight(depth: depth - 1) }
        }
    }
}
