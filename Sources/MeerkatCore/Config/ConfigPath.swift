/// Where a key stands: the names from the outermost table to the key.
public struct ConfigPath: Hashable, Sendable, ExpressibleByArrayLiteral {
    public var names: [String]

    public init(_ names: [String]) {
        self.names = names
    }

    public init(arrayLiteral names: String...) {
        self.names = names
    }

    public static func + (path: ConfigPath, name: String) -> ConfigPath {
        ConfigPath(path.names + [name])
    }

    public func starts(with prefix: ConfigPath) -> Bool {
        names.starts(with: prefix.names)
    }
}

extension ConfigPath: CustomStringConvertible {
    /// The path as a dotted key of TOML, for example `providers."my server".base_url`.
    public var description: String {
        names.map { Self.isBare($0) ? $0 : Self.quoted($0) }.joined(separator: ".")
    }

    /// Whether TOML takes a name without quotes.
    public static func isBare(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func quoted(_ name: String) -> String {
        var text = "\""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case _ where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                text += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
