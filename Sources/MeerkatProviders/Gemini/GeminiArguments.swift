internal import MeerkatJSON

/// The arguments of a call while they are streamed: values with the places where they belong.
///
/// A piece is `{"jsonPath":"$.items[0].name","stringValue":"an","willContinue":true}`; the next one for the same place
/// continues the text.
struct GeminiArguments: Sendable {
    private enum Step: Sendable, Hashable {
        case name(String)
        case index(Int)
    }

    private static let maxDepth = 64

    private var value = JSONValue.object(JSONObject())
    /// A text that goes on, and its place; in ``value`` only when it is whole.
    private var open: (path: String, text: String)?
    /// A piece was no piece: what is there may not be what the model meant.
    private(set) var isMalformed = false

    mutating func add(_ piece: JSONValue) {
        guard let path = piece["jsonPath"]?.string else { return isMalformed = true }
        if let text = piece["stringValue"]?.string {
            add(text, at: path, willContinue: piece["willContinue"] == true)
        } else if let number = piece["numberValue"] {
            set(number, at: path)
        } else if let flag = piece["boolValue"] {
            set(flag, at: path)
        } else if piece["nullValue"] != nil {
            set(.null, at: path)
        } else {
            isMalformed = true
        }
    }

    private mutating func add(_ text: String, at path: String, willContinue: Bool) {
        if open?.path == path {
            open?.text += text
        } else {
            close()
            open = (path, text)
        }
        if !willContinue { close() }
    }

    private mutating func close() {
        guard let (path, text) = open else { return }
        open = nil
        set(.string(text), at: path)
    }

    private mutating func set(_ new: JSONValue, at path: String) {
        close()
        guard let steps = Self.steps(path), Self.set(new, at: steps[...], in: &value) else {
            isMalformed = true
            return
        }
    }

    /// What is there, a text that was not finished included.
    mutating func finished() -> RawJSON {
        close()
        return RawJSON(encoding: value)
    }

    /// Puts `new` at a place in `value`, which stays as it is when there can be no such place.
    ///
    /// What holds the place is taken out of what holds it, so that it is changed in place.
    ///
    /// - Returns: Whether there is such a place.
    private static func set(_ new: JSONValue, at steps: ArraySlice<Step>, in value: inout JSONValue) -> Bool {
        switch steps.first {
        case nil:
            value = new
            return true
        case .name(let name): return set(new, at: steps.dropFirst(), ofMember: name, in: &value)
        case .index(let index): return set(new, at: steps.dropFirst(), ofElement: index, in: &value)
        }
    }

    private static func set(
        _ new: JSONValue, at steps: ArraySlice<Step>, ofMember name: String, in value: inout JSONValue
    ) -> Bool {
        let isNew = value.isNull
        guard var object = isNew ? JSONObject() : value.object else { return false }
        value = .null
        var member = JSONValue.null
        var hasMember = false
        if let old = object[name] {
            member = old
            hasMember = true
            object[name] = .null
        }
        let isSet = set(new, at: steps, in: &member)
        if isSet || hasMember { object[name] = member }
        if isSet || !isNew { value = .object(object) }
        return isSet
    }

    private static func set(
        _ new: JSONValue, at steps: ArraySlice<Step>, ofElement index: Int, in value: inout JSONValue
    ) -> Bool {
        let isNew = value.isNull
        guard var elements = isNew ? [] : value.array, index <= elements.count else { return false }
        value = .null
        var element = JSONValue.null
        let hasElement = index < elements.count
        if hasElement { swap(&element, &elements[index]) }
        let isSet = set(new, at: steps, in: &element)
        if hasElement { elements[index] = element } else if isSet { elements.append(element) }
        if isSet || !isNew { value = .array(elements) }
        return isSet
    }

    // MARK: Paths

    /// The steps of a path such as `$.a.b[0]['c d']`; nil for other forms.
    private static func steps(_ path: String) -> [Step]? {
        guard path.first == "$" else { return nil }
        var rest = path.dropFirst()
        var steps: [Step] = []
        while let first = rest.first {
            guard steps.count < maxDepth else { return nil }
            rest.removeFirst()
            guard let step = first == "." ? name(&rest) : first == "[" ? bracket(&rest) : nil else { return nil }
            steps.append(step)
        }
        return steps.isEmpty ? nil : steps
    }

    private static func name(_ rest: inout Substring) -> Step? {
        let name = rest.prefix { $0 != "." && $0 != "[" }
        rest = rest[name.endIndex...]
        return name.isEmpty ? nil : .name(String(name))
    }

    private static func bracket(_ rest: inout Substring) -> Step? {
        guard let quote = rest.first, quote == "'" || quote == "\"" else {
            let digits = rest.prefix { $0 != "]" }
            rest = rest[digits.endIndex...].dropFirst()
            return Int(digits).flatMap { $0 >= 0 ? .index($0) : nil }
        }
        var name = ""
        rest.removeFirst()
        while let character = rest.popFirst(), character != quote {
            if character == "\\" { name += rest.popFirst().map(String.init) ?? "" } else { name.append(character) }
        }
        return rest.popFirst() == "]" ? .name(name) : nil
    }
}
