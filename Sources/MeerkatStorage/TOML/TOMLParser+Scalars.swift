internal import MeerkatJSON

extension TOMLParser {
    /// Reads a number, a boolean, a date or a time: everything that has no brackets or quotes.
    mutating func readPlainValue() throws(TOMLError) -> JSONValue {
        let start = at
        while let byte = peek(), Self.isPlain(byte) { at += 1 }
        // One space may part a date from a time.
        if at - start == 10, TOMLDate.isDate(text[start..<at]), peek() == 0x20, at + 1 < text.count,
            Self.isDigit(text[at + 1])
        {
            at += 1
            while let byte = peek(), Self.isPlain(byte) { at += 1 }
        }
        guard at > start else { throw unexpected("a value") }
        let word = text[start..<at]
        switch String(decoding: word, as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "inf", "+inf", "-inf", "nan", "+nan", "-nan":
            throw TOMLError(message: "infinite numbers and nan are not supported", offset: start)
        case let text:
            if TOMLDate.isValid(word) { return .string(text) }
            guard let number = try Self.number(Array(word), at: start) else {
                throw TOMLError(message: "expected a value", offset: start)
            }
            return .number(number)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        ConfigName.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
    }

    // MARK: Numbers

    /// The number as JSON writes it, or nil when `word` breaks the grammar.
    private static func number(_ word: [UInt8], at offset: Int) throws(TOMLError) -> JSONNumber? {
        if word.count > 2, word[0] == UInt8(ascii: "0"), let radix = radix(word[1]) {
            guard let digits = plainDigits(word[2...], isHexDigit) else { return nil }
            guard let value = Int64(digits, radix: radix) else {
                let isTooLarge = digits.utf8.allSatisfy { UInt8(String(UnicodeScalar($0)), radix: radix) != nil }
                if isTooLarge { throw TOMLError(message: "number out of range", offset: offset) }
                return nil
            }
            return JSONNumber(value)
        }
        guard let text = decimal(word) else { return nil }
        let isWhole = text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "-") }
        // The grammar has been checked above; only the range is left.
        guard let number = try? JSONNumber(json: Array(text.utf8)), isWhole ? Int64(text) != nil : number.double != nil
        else { throw TOMLError(message: "number out of range", offset: offset) }
        return number
    }

    private static func radix(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "x"): 16
        case UInt8(ascii: "o"): 8
        case UInt8(ascii: "b"): 2
        default: nil
        }
    }

    /// A decimal number without underscores and leading plus, or nil when it breaks the grammar.
    private static func decimal(_ word: [UInt8]) -> String? {
        var rest = word[...]
        var text = ""
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            if sign == UInt8(ascii: "-") { text = "-" }
            rest = rest.dropFirst()
        }
        guard let whole = takeDigits(&rest), whole == "0" || !whole.hasPrefix("0") else { return nil }
        text += whole
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard let fraction = takeDigits(&rest) else { return nil }
            text += "." + fraction
        }
        if let byte = rest.first, byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            text += "e"
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                text += sign == UInt8(ascii: "-") ? "-" : "+"
                rest = rest.dropFirst()
            }
            guard let exponent = takeDigits(&rest) else { return nil }
            text += exponent
        }
        return rest.isEmpty ? text : nil
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> String? {
        let digits = rest.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        rest = rest.dropFirst(digits.count)
        return plainDigits(digits, isDigit)
    }

    /// Digits without the underscores between them; nil when an underscore has no digit on both sides.
    private static func plainDigits(_ digits: ArraySlice<UInt8>, _ isDigit: (UInt8) -> Bool) -> String? {
        let groups = digits.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { return nil }
        return String(decoding: groups.joined(), as: UTF8.self)
    }
}

/// Bytes that need no quotes in a name.
enum ConfigName {
    static func isBare(_ byte: UInt8) -> Bool {
        TOMLParser.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}

/// The forms of RFC 3339 that TOML takes: date with time and offset, date with time, date, time.
enum TOMLDate {
    static func isValid(_ word: ArraySlice<UInt8>) -> Bool {
        if isTime(word) || isDate(word) { return true }
        guard word.count > 11, isDate(word.prefix(10)) else { return false }
        guard let separator = word.dropFirst(10).first,
            [0x20, UInt8(ascii: "T"), UInt8(ascii: "t")].contains(separator)
        else { return false }
        var time = word.dropFirst(11)
        if let last = time.last, last == UInt8(ascii: "Z") || last == UInt8(ascii: "z") {
            time = time.dropLast()
        } else if time.count > 6, let sign = time.dropLast(5).last,
            [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(sign)
        {
            guard fields(time.suffix(5), "dd:dd", [23, 59]) else { return false }
            time = time.dropLast(6)
        }
        return isTime(time)
    }

    static func isDate(_ word: ArraySlice<UInt8>) -> Bool {
        guard fields(word, "dddd-dd-dd", [9999, 12, 31]) else { return false }
        let text = String(decoding: word, as: UTF8.self)
        guard let year = Int(text.prefix(4)), let month = Int(text.dropFirst(5).prefix(2)),
            let day = Int(text.suffix(2))
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...days[month - 1]).contains(day)
    }

    private static func isTime(_ word: ArraySlice<UInt8>) -> Bool {
        guard fields(word.prefix(8), "dd:dd:dd", [23, 59, 60]) else { return false }
        let fraction = word.dropFirst(8)
        guard let point = fraction.first else { return true }
        return point == UInt8(ascii: ".") && fraction.count > 1 && fraction.dropFirst().allSatisfy(TOMLParser.isDigit)
    }

    /// Whether `word` has the form, `d` standing for a digit, and no number of it passes its limit.
    private static func fields(_ word: ArraySlice<UInt8>, _ form: StaticString, _ limits: [Int]) -> Bool {
        guard word.count == form.utf8CodeUnitCount else { return false }
        var numbers = [0]
        for (index, byte) in word.enumerated() {
            let wanted = form.utf8Start[index]
            if wanted == UInt8(ascii: "d") {
                guard TOMLParser.isDigit(byte) else { return false }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            } else {
                guard byte == wanted else { return false }
                numbers.append(0)
            }
        }
        return zip(numbers, limits).allSatisfy { $0 <= $1 }
    }
}
